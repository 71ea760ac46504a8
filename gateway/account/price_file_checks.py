"""Files of prices that an account names, and what it says beside them: none is left unused without a word.

A file that the choices pass by would be a bill at other prices than its owner wrote. Notes problems in the document
and changes nothing; what is in the files is `price_series` and `export_table`.
"""

from collections.abc import Mapping

from ..config.document import Document
from .export_table import is_table
from .programme_file import ProgrammeFile
from .terms import AccountTerms

TAKES_TABLES = "export_vintage"
"""The option of programmes that pay exports by a table of month, day type and hour."""


def check_price_files(document: Document, terms: AccountTerms, programmes: Mapping[str, ProgrammeFile]) -> None:
    """`import_prices`, `export_prices` and `[[export_adder]]`."""
    _check_imports(document, terms, programmes)
    by_table = any(programmes[one.name].has_option(TAKES_TABLES) for one in terms.programme if one.name in programmes)
    if by_table:
        return
    named = terms.export_prices
    if named and is_table(named):
        mend = "it is for the programme nbt, and for --compare with it; else name a CSV file of prices by time"
        document.warn(("export_prices",), "export_prices decides nothing here", mend, value=named)
    elif named and terms.programme and terms.choices.get("export_price") != "series":
        by_time = any(_prices_exports(programmes[one.name]) for one in terms.programme if one.name in programmes)
        mend = 'add export_price = "series" to [choices], or leave the file out'
        if not by_time:
            mend = f"leave it out: {terms.programme[-1].name} pays no exports by time"
        document.add(("export_prices",), "export_prices is named and would not be used", mend, value=named)
    for position, adder in enumerate(terms.export_adder):
        message = f"{adder.name} decides nothing here"
        document.warn(("export_adder", position), message, "it is for the programme nbt", value=adder.name)


def _prices_exports(file: ProgrammeFile) -> bool:
    return any(one.name == "export_price" and "series" in one.values for one in file.option)


def _check_imports(document: Document, terms: AccountTerms, programmes: Mapping[str, ProgrammeFile]) -> None:
    """A file of what imports cost, and the choice to go by it: neither without the other, and not where they net."""
    chosen = terms.choices.get("import_price") == "series"
    if terms.import_prices and not chosen:
        mend = 'add import_price = "series" to [choices], or leave the file out'
        document.add(
            ("import_prices",), "import_prices is named and would not be used", mend, value=terms.import_prices
        )
    if chosen and not terms.import_prices:
        mend = "name the file with import_prices, beside tariff (docs/generic-programmes.md)"
        document.add(("choices", "import_price"), "there is no file of prices", mend, value="series")
    for name in dict.fromkeys(one.name for one in terms.programme):
        if chosen and name in programmes and not programmes[name].has_option("import_price"):
            mend = (
                "it nets energy of many hours; time-step prices of imports need a programme that prices each interval"
            )
            document.add(
                ("choices", "import_price"), f"{name} knows no time-step prices of imports", mend, value="series"
            )
