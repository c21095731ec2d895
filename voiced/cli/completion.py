"""What bash, zsh and fish need to complete a program's commands, options and values. Pure.

It is written from the program's own parser, so that what can be typed can be completed. Each file may be
sourced, or put where its shell looks for such files; its first line says where.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from voiced.cli.grammar import Parameter, Program


def render(shell: str, program: Program) -> str:
    """The file for that shell, one of `SHELLS`."""
    return "\n".join(_RENDER[shell](program)) + "\n"


def _names(parameters: Iterable[Parameter]) -> list[str]:
    return [name for each in parameters for name in each.names]


def _with_value(parameters: Iterable[Parameter]) -> list[Parameter]:
    return [each for each in parameters if each.value]


def _quoted(text: str) -> str:
    """As one word, for any of these shells: they don't agree on how a quote is quoted."""
    return "'" + text.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}") + "'"


# --- bash -----------------------------------------------------------------------------------------

_BASH_FILES: Final = 'mapfile -t COMPREPLY < <(compgen -f -- "$current")'


def _bash(program: Program) -> list[str]:
    name = program.name
    skipped = "|".join(_names(_with_value(program.options)))
    lines = [
        f"# bash completion for {name}: source it, or put it into /usr/share/bash-completion/completions/{name}",
        f"_{name}() {{",
        "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}",
        "    local command='' words='' before='' i",
        "    COMPREPLY=()",
        "    for ((i = 1; i < COMP_CWORD; i++)); do",
        "        case ${COMP_WORDS[i]} in",
        *([f"            {skipped}) ((i++)) ;;"] if skipped else []),
        "            -*) ;;",
        "            *) command=${COMP_WORDS[i]}; break ;;",
        "        esac",
        "    done",
        "    case $command:$previous in",
    ]
    for command, options in [
        ("", program.options),
        *((c.name, c.options) for c in program.commands),
    ]:
        for option in _with_value(options):
            seen = "|".join(f"{command}:{each}" for each in option.names)
            lines += [f"        {seen})", *_bash_value(option), "            ;;"]
    lines += ["        *)", "            case $command in"]
    known = [each.name for each in program.commands]
    lines.append(f"                ''){_bash_words(known, program.options)} ;;")
    for each in program.commands:
        known = [word for argument in each.arguments for word in argument.words]
        lines.append(f"                {each.name}){_bash_words(known, each.options)}")
        if any(argument.is_path for argument in each.arguments):
            lines.append(f"                    {_BASH_FILES}")
        lines.append("                    ;;")
    return [
        *lines,
        "            esac",
        "            ;;",
        "    esac",
        '    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -P "$before" -W "$words" -- "${current#"$before"}")',
        "}",
        f"complete -o filenames -F _{name} {name}",
    ]


def _bash_words(known: list[str], options: tuple[Parameter, ...]) -> str:
    """Words, and options for whoever begins one, or if there is nothing else."""
    flags = " ".join(_names(options))
    if not known:
        return f" words='{flags}'"
    return f" words='{' '.join(known)}'; [[ $current == -* ]] && words='{flags}'"


def _bash_value(option: Parameter) -> list[str]:
    indent = " " * 12
    if option.is_path:
        return [indent + _BASH_FILES]
    lines = [f"{indent}words='{' '.join(option.words)}'"]
    if option.is_list:
        lines.append(f'{indent}[[ $current == *,* ]] && before="${{current%,*}},"')
    return lines


# --- zsh ------------------------------------------------------------------------------------------


def _zsh(program: Program) -> list[str]:
    name = program.name
    lines = [
        f"#compdef {name}",
        f"# zsh completion for {name}: source it, or put it into a folder of $fpath, as _{name}",
        f"_{name}() {{",
        "    local context state state_descr line",
        "    typeset -A opt_args",
        "    local -a commands",
        "    commands=(",
        *(
            f"        {_quoted(each.name + ':' + each.help.replace(':', ' -'))}"
            for each in program.commands
        ),
        "    )",
        "    _arguments -C \\",
        *(f"        {spec} \\" for each in program.options for spec in _zsh_option(each)),
        "        '1:command:->command' \\",
        "        '*::argument:->argument' && return",
        "    case $state in",
        "        command) _describe -t commands command commands ;;",
        "        argument)",
        "            case $words[1] in",
    ]
    for command in program.commands:
        specs = [
            *(spec for each in command.options for spec in _zsh_option(each)),
            *(_zsh_argument(each) for each in command.arguments),
        ]
        lines += [f"                {command.name})", "                    _arguments \\"]
        lines += [f"                        {spec} \\" for spec in specs[:-1]]
        lines += [f"                        {specs[-1]}", "                    ;;"]
    return [
        *lines,
        "            esac",
        "            ;;",
        "    esac",
        "}",
        f'if [[ $funcstack[1] == _{name} ]]; then _{name} "$@"; else compdef _{name} {name}; fi',
    ]


def _zsh_option(option: Parameter) -> list[str]:
    others = f"({' '.join(option.names)})" if len(option.names) > 1 else ""
    before = "*" if option.repeats else others
    after = f"[{_zsh_text(option.help)}]" + (_zsh_value(option) if option.value else "")
    return [_quoted(f"{before}{name}{after}") for name in option.names]


def _zsh_argument(argument: Parameter) -> str:
    return _quoted((":" if argument.may_be_left_out else "") + _zsh_value(argument))


def _zsh_value(parameter: Parameter) -> str:
    called = _zsh_text(parameter.value)
    if parameter.is_path:
        return f":{called}:_files"
    if parameter.is_list:
        return f":{called}:_values -s , {called.replace(',', '')} {' '.join(parameter.words)}"
    return f":{called}:" + (f"({' '.join(parameter.words)})" if parameter.words else "")


def _zsh_text(text: str) -> str:
    return re.sub(r"([\[\]:\\])", r"\\\1", text)


# --- fish -----------------------------------------------------------------------------------------


def _fish(program: Program) -> list[str]:
    name = program.name
    skipped = " ".join(_names(_with_value(program.options)))
    lines = [
        f"# fish completion for {name}: source it, or put it into ~/.config/fish/completions/{name}.fish",
        f"function __{name}_command --description 'The command that has been typed, if any'",
        "    set -l typed (commandline -opc)",
        "    set -e typed[1]",
        "    while set -q typed[1]",
        "        switch $typed[1]",
        *([f"            case {skipped}", "                set -e typed[1]"] if skipped else []),
        "            case '-*'",
        "            case '*'",
        "                echo $typed[1]",
        "                return 0",
        "        end",
        "        set -q typed[1]; and set -e typed[1]",
        "    end",
        "    return 1",
        "end",
        f"function __{name}_is",
        f"    contains -- (__{name}_command) $argv",
        "end",
        f"complete -c {name} -f",
    ]
    nothing = f"'not __{name}_command >/dev/null'"
    lines += [_fish_option(name, nothing, each) for each in program.options]
    lines += [
        f"complete -c {name} -n {nothing} -a {each.name} -d {_quoted(each.help)}"
        for each in program.commands
    ]
    for command in program.commands:
        here = f"'__{name}_is {command.name}'"
        lines += [_fish_option(name, here, each) for each in command.options]
        lines += [
            f"complete -c {name} -n {here}" + _fish_value(each)
            for each in command.arguments
            if each.words or each.is_path
        ]
    return lines


def _fish_option(name: str, where: str, option: Parameter) -> str:
    flags = "".join(
        f" -l {each[2:]}" if each.startswith("--") else f" -s {each[1:]}" for each in option.names
    )
    value = (" -r" + _fish_value(option)) if option.value else ""
    return f"complete -c {name} -n {where}{flags}{value} -d {_quoted(option.help)}"


def _fish_value(parameter: Parameter) -> str:
    if parameter.is_path:
        return " -F"
    words = " ".join(parameter.words)
    if parameter.is_list:
        return f" -f -a '(__fish_complete_list , \"string split \\\\  {words}\")'"
    return f" -f -a '{words}'" if words else " -f"


_RENDER: Final[Mapping[str, Callable[[Program], list[str]]]] = MappingProxyType(
    {"bash": _bash, "zsh": _zsh, "fish": _fish}
)
SHELLS: Final = tuple(_RENDER)
"""The shells that can be told."""
