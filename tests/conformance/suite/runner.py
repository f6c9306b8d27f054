"""Runs checks and reports."""

from __future__ import annotations

import dataclasses
import json
import sys

from . import options as command_line
from .options import Options
from .outcome import CannotCheck, Failure, Skip
from .pair import Pair
from .registry import Check, all_checks

PASS, FAIL, SKIP, ERROR = "PASS", "FAIL", "SKIP", "ERROR"
SHOWN_EXCHANGES = 4


@dataclasses.dataclass
class Result:
    check: Check
    outcome: str
    why: str = ""
    exchanges: list[list[str]] = dataclasses.field(default_factory=list)


def shown(pair: Pair) -> list[list[str]]:
    return [answer.shown() for answer in pair.trace[-SHOWN_EXCHANGES:]]


def run_check(check: Check, pair: Pair) -> Result:
    pair.trace = []
    try:
        check.run(pair)
        return Result(check, PASS)
    except Skip as reason:
        return Result(check, SKIP, str(reason))
    except CannotCheck as reason:
        return Result(check, ERROR, str(reason))
    except Failure as reason:
        return Result(check, FAIL, str(reason), shown(pair))
    except Exception as error:  # a fault of the check must not stop the others
        return Result(check, ERROR, f"the check itself broke: {error!r}", shown(pair))


def run_all(checks: list[Check], options: Options, report) -> list[Result]:
    pair = Pair(options)
    results = []
    try:
        for each in checks:
            results.append(run_check(each, pair))
            report(results[-1])
    finally:
        pair.close()
    return results


def print_result(result: Result) -> None:
    print(f"{result.outcome:5} {result.check.name}" + (f": {result.why}" if result.why else ""))
    for exchange in result.exchanges:
        print("\n".join("      " + line for line in exchange))
    sys.stdout.flush()


def counts(results: list[Result]) -> dict[str, int]:
    return {outcome: sum(result.outcome == outcome for result in results) for outcome in (PASS, FAIL, SKIP, ERROR)}


def exit_status(results: list[Result]) -> int:
    number = counts(results)
    return 1 if number[FAIL] else 3 if number[ERROR] else 0


def print_json(results: list[Result]) -> None:
    value = {
        "standard": "ETSI GS QKD 014 V1.1.1",
        "summary": {outcome.lower(): number for outcome, number in counts(results).items()},
        "checks": [
            {
                "name": result.check.name,
                "clause": result.check.clause,
                "level": result.check.level,
                "description": result.check.description,
                "outcome": result.outcome,
                "why": result.why,
                "exchanges": result.exchanges,
            }
            for result in results
        ],
    }
    print(json.dumps(value, ensure_ascii=False, indent=2))


def main(words: list[str]) -> int:
    parser = command_line.parser()
    arguments = parser.parse_args(words)
    checks = command_line.chosen(arguments, all_checks(), parser.error)
    if arguments.list:
        if arguments.json:
            fields = ("name", "clause", "level", "description")
            print(json.dumps([{field: getattr(each, field) for field in fields} for each in checks], indent=2))
        else:
            for each in checks:
                print(f"{each.name}  {each.level}  {each.description}")
        return 0
    options = command_line.read(arguments, parser.error)
    results = run_all(checks, options, (lambda result: None) if arguments.json else print_result)
    if arguments.json:
        print_json(results)
    else:
        number = counts(results)
        print(
            f"{len(results)} checks: {number[PASS]} passed, {number[FAIL]} failed, {number[SKIP]} skipped, "
            f"{number[ERROR]} could not be carried out"
        )
    return exit_status(results)
