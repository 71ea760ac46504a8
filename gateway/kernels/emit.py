"""The kernel as an object file: numba's LLVM text, cut down to its entries, made position-independent by llvmlite.

A command of its own does this (`netmeter kernel build`), never the daemon. What comes out calls nothing: the linker
is told to refuse any name that is left open.
"""

import re

import llvmlite.binding as llvm
import numba

from .library import TARGETS, Target, symbol


def emit_object(target: Target) -> bytes:
    """An ELF object with both entries for the target, which need not be the machine that this runs on."""
    # A whole family of processors, not this one: a card may be put into another computer.
    native = TARGETS[llvm.get_default_triple().split("-")[0]]
    numba.config.CPU_NAME, numba.config.CPU_FEATURES = native.cpu, ""
    from .compiled import compile_entries

    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu, opt=3, reloc="pic", codemodel="default"
    )
    whole = None
    for name, entry in compile_entries().items():
        module = llvm.parse_assembly(_retarget(entry.inspect_llvm(), target.triple, str(machine.target_data)))
        _keep_only(module, entry.native_name, symbol(name), machine)
        if whole is None:
            whole = module
        else:
            whole.link_in(module)
    assert whole is not None
    whole.verify()
    return bytes(machine.emit_object(whole))


def _retarget(text: str, triple: str, layout: str) -> str:
    """int64 and addresses only: the text means the same on any 64-bit, little-endian machine."""
    text = re.sub(r'^target datalayout = ".*"$', f'target datalayout = "{layout}"', text, flags=re.MULTILINE)
    text = re.sub(r'^target triple = ".*"$', f'target triple = "{triple}"', text, flags=re.MULTILINE)
    # numba's own bookkeeping variables; nothing here reads them
    return re.sub(r"^@_ZN08NumbaEnv\S+ = common .*\n", "", text, flags=re.MULTILINE)


def _keep_only(module: llvm.ModuleRef, native_name: str, name: str, machine: llvm.TargetMachine) -> None:
    """Make everything but the C entry internal, and let LLVM draw it in: numba's error paths are then seen dead."""
    for function in module.functions:
        if function.name == native_name:
            function.name = name
        elif not function.is_declaration:
            function.linkage = "internal"
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
    builder.getModulePassManager().run(module, builder)
    left = [
        function.name
        for function in module.functions
        if function.is_declaration and not function.name.startswith("llvm.")
    ]
    if left:
        raise RuntimeError(f"the compiled kernel calls {', '.join(left)}")
