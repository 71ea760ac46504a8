"""A comparison as one HTML file that needs nothing else. Layout only: text is escaped, figures are as they come."""

from collections.abc import Iterator
from html import escape

from .compare import Comparison
from .compare_text import NOT_COMPUTED, house_rows, rows_of
from .statement_html import page
from .statement_json import plain


def compare_html(made: Comparison) -> str:
    """The whole file."""
    return page(f"{made.account.terms.name}: a year under other programmes", "\n".join(_body(made)))


def _body(made: Comparison) -> Iterator[str]:
    terms = made.account.terms
    yield f"<h1>{escape(terms.name)}</h1>"
    yield f'<p class="quiet">Account {escape(terms.id)}, {made.first_day} to {made.last_day}, amounts in '
    yield f"{escape(made.account.tariff.currency)}. Energy from {escape(made.source)}.</p>"
    yield f'<p class="warn">{escape(made.notes[0])}</p>'
    yield "<h3>The house</h3>\n<table>"
    for label, figure in house_rows(made):
        yield f'<tr><td>{escape(label)}</td><td class="n">{escape(figure)}</td></tr>'
    yield "</table>\n<h3>The year under each programme</h3>\n<table><tr><th></th>"
    computed = [one for one in made.columns if not one.why_not]
    for one in computed:
        yield f'<th class="n">{escape(one.wanted.programme)}<br>{escape(one.wanted.tariff)}</th>'
    yield "</tr>"
    for lines in zip(*(rows_of(one) for one in computed), strict=True):
        figures = "".join(f'<td class="n">{escape(figure)}</td>' for _, figure in lines)
        yield f"<tr><td>{escape(lines[0][0].strip())}</td>{figures}</tr>"
    yield "</table>"
    for one in made.columns:
        name = f"{one.wanted.programme} with {one.wanted.tariff}"
        if one.why_not:
            yield f'<p class="warn">{escape(name)}: {NOT_COMPUTED}: {escape(one.why_not)}</p>'
        left = ", ".join(f"{key} {plain(amount)}" for key, amount in one.left.items())
        texts = [f"left in banks: {left}" if left else "", one.why_no_savings, *one.notes]
        yield "".join(f'<p class="quiet">{escape(name)}: {escape(text)}</p>' for text in texts if text)
    yield "<h3>Notes</h3>\n<ul>" + "".join(f"<li>{escape(note)}</li>" for note in made.notes[1:]) + "</ul>"
