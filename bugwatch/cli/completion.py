"""`bugwatch completion bash|zsh|fish`: what follows the Tab key."""

from __future__ import annotations

import argparse
from argparse import Namespace

from bugwatch import cli
from bugwatch.cli.arguments import Parser, build
from bugwatch.cli.command import Answer, Command


class Completion(Command):
    kind = "completion"
    help = "print a script for the shell's Tab key: source <(bugwatch completion bash)"

    def configure(self, parser: Parser) -> None:
        parser.add_argument("shell", choices=list(SHELLS))

    def run(self, args: Namespace) -> Answer:
        script = SHELLS[args.shell](words(build(cli.all_commands())))
        return Answer(script, {"shell": args.shell, "script": script})


def words(parser: argparse.ArgumentParser, path: str = "") -> dict[str, list[str]]:
    """What may follow each verb and action, flags last: `{"": […], "user": […], "user create": […]}`."""
    inner: dict[str, list[str]] = {}
    names: list[str] = []
    flags: list[str] = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, child in action.choices.items():
                inner |= words(child, f"{path} {name}".strip())
        if action.option_strings:
            flags.append(action.option_strings[-1])
        elif action.choices:
            names += map(str, action.choices)
    return {path: names + flags} | inner


def bash(table: dict[str, list[str]]) -> str:
    cases = "\n".join(f'        "{path}") words="{" ".join(following)}" ;;' for path, following in table.items())
    paths = "|".join(f'"{path}"' for path in table if path)
    return f"""\
_bugwatch() {{
    local word path="" words="" current="${{COMP_WORDS[COMP_CWORD]}}"
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case "${{path:+$path }}$word" in
            {paths}) path="${{path:+$path }}$word" ;;
        esac
    done
    case "$path" in
{cases}
    esac
    [[ "$current" == -* ]] || words="${{words%%--*}}"
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F _bugwatch bugwatch"""


def zsh(table: dict[str, list[str]]) -> str:
    return f"#compdef bugwatch\nautoload -Uz bashcompinit && bashcompinit\n{bash(table)}"


def fish(table: dict[str, list[str]]) -> str:
    lines = []
    for path, following in table.items():
        verbs = path.split()
        inner = [name.split()[len(verbs)] for name in table if name.split()[: len(verbs)] == verbs and name != path]
        seen = [f"__fish_seen_subcommand_from {verb}" for verb in verbs]
        unseen = [f"not __fish_seen_subcommand_from {' '.join(dict.fromkeys(inner))}"] if inner else []
        condition = "; and ".join(seen + unseen) or "true"
        for word in following:
            kind = f"-l {word[2:]}" if word.startswith("--") else f"-f -a {word}"
            lines.append(f'complete -c bugwatch -n "{condition}" {kind}')
    return "\n".join(lines)


SHELLS = {"bash": bash, "zsh": zsh, "fish": fish}
