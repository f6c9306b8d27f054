"""The product against the conformance suite, and the conformance suite against KMEs that are wrong on purpose."""

import ast
import dataclasses
import json
import pathlib
import re
import subprocess
import sys
import urllib.parse

import pytest

from nodes import REPOSITORY, free_base_port, run
from pki import Pki

SUITE = REPOSITORY / "tests" / "conformance"
sys.path[:0] = [str(SUITE), str(SUITE / "selftest")]

from suite.answer import Answer, Request  # noqa: E402
from suite.options import Options  # noqa: E402
from suite.pair import Pair  # noqa: E402
from suite.registry import all_checks  # noqa: E402
from suite.runner import ERROR, FAIL, PASS, SKIP, run_check  # noqa: E402
from wrong_kme import Kme, Pool  # noqa: E402

CHECKS = {check.name: check for check in all_checks()}


# --- the product -----------------------------------------------------------------------------------------------------


def suite(*arguments: object, code: int | None = 0) -> subprocess.CompletedProcess:
    return run(SUITE / "run", *arguments, code=code, seconds=120)


@pytest.fixture(scope="module")
def configuration(town, tmp_path_factory):
    """carol's key for serena; sam is at serena's KME."""
    value = {"ca": str(town.run / "pki" / "ca.crt")}
    for role, sae in (("master", "carol"), ("slave", "serena"), ("third", "sam")):
        stem = town.run / "pki" / "sae" / sae
        value |= {
            f"{role}-kme": f"https://127.0.0.1:{town.port(town.home_of(sae))}",
            f"{role}-sae": sae,
            f"{role}-cert": f"{stem}.crt",
            f"{role}-key": f"{stem}.key",
        }
    file = tmp_path_factory.mktemp("conformance") / "town.json"
    file.write_text(json.dumps(value))
    return file


@pytest.fixture(scope="module")
def report(configuration):
    done = suite("--config", configuration, "--json", code=None)
    value = json.loads(done.stdout)
    return {check["name"]: check for check in value["checks"]} | {"exit status": done.returncode}


@pytest.mark.parametrize("name", CHECKS)
def test_our_kmes(report, name):
    check = report[name]
    assert check["outcome"] == PASS, "\n".join([check["why"], *(line for each in check["exchanges"] for line in each)])


def test_our_kmes_pass_as_a_whole(report):
    assert report.pop("exit status") == 0
    assert set(report) == set(CHECKS)


def outcomes(configuration: dict[str, str], directory: pathlib.Path, *arguments: str) -> dict[str, list[str]]:
    """The names of the checks by their outcome."""
    file = directory / "configuration.json"
    file.write_text(json.dumps(configuration))
    checks = json.loads(suite("--config", file, "--json", *arguments, code=None).stdout)["checks"]
    return {end: [check["name"] for check in checks if check["outcome"] == end] for end in (PASS, FAIL, SKIP, ERROR)}


def test_sae_ids_of_all_kinds(town, tmp_path):
    value = {"ca": str(town.run / "pki" / "ca.crt")}
    for role, sae in (("master", "connie"), ("slave", "Zürich-鍵"), ("third", "q?x=1&y#z")):
        stem = town.run / "pki" / "sae" / urllib.parse.quote(sae, safe="~")
        value |= {f"{role}-kme": f"https://127.0.0.1:{town.port(town.home_of(sae))}", f"{role}-sae": sae}
        value |= {f"{role}-cert": f"{stem}.crt", f"{role}-key": f"{stem}.key"}
    assert outcomes(value, tmp_path) == {PASS: list(CHECKS), FAIL: [], SKIP: [], ERROR: []}


def test_below_a_base_path(make_network, pki, tmp_path):
    network = make_network(hubs=["hank", "helen"], kme_settings={"base_path": "/kme/etsi"}).start()
    network.all_registered()
    value = {"ca": str(pki.ca)}
    for role, sae in (("master", "carol"), ("slave", "celia")):
        certificate, key = pki.issue(sae)
        value |= {f"{role}-kme": f"https://localhost:{network.kmes[sae].port}/kme/etsi/", f"{role}-sae": sae}
        value |= {f"{role}-cert": str(certificate), f"{role}-key": str(key)}
    found = outcomes(value, tmp_path, "--only", "5*", "--only", "6.1*", "--only", "4-*")
    assert not found[FAIL] and not found[ERROR] and len(found[PASS]) > 50
    assert set(found[SKIP]) == {"5.3-key-of-another-sae-is-401", "5.3-key-of-another-master"}


# --- the suite itself ------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Village:
    """Two KMEs for which the suite has its options."""

    pool: Pool
    options: Options

    def result(self, name: str, *faults: str):
        self.pool.faults = set(faults)
        pair = Pair(self.options)
        try:
            return run_check(CHECKS[name], pair)
        finally:
            pair.close()
            self.pool.faults = set()


@pytest.fixture(scope="module")
def village(pki, foreign_pki):
    pool = Pool({"carol": "north", "serena": "south", "sam": "south"})
    kmes = {}
    for name in ("north", "south"):
        certificates = {
            "right": pki.issue(name, server=True),
            "nameless": pki.issue("somebody else", server=True, directory="nameless"),
            "hostless": pki.issue(name, server=True, directory="hostless", hosts="DNS:elsewhere.example"),
        }
        paths = {which: tuple(map(str, pair)) for which, pair in certificates.items()}
        kmes[name] = Kme(name, pool, str(pki.ca), str(foreign_pki.ca), paths)
    values = {"ca": str(pki.ca)}
    for role, sae in (("master", "carol"), ("slave", "serena"), ("third", "sam")):
        certificate, key = pki.issue(sae)
        values |= {f"{role}_kme": kmes[pool.homes[sae]].url, f"{role}_sae": sae}
        values |= {f"{role}_cert": str(certificate), f"{role}_key": str(key)}
    foreign, foreign_key = foreign_pki.issue("carol")
    yield Village(pool, Options(**values, foreign_cert=str(foreign), foreign_key=str(foreign_key)))
    for kme in kmes.values():
        kme.shutdown()
        kme.server_close()


@pytest.mark.parametrize("name", CHECKS)
def test_a_right_kme_passes_and_a_wrong_one_fails(village, name):
    right = village.result(name)
    assert right.outcome == PASS, (right.why, right.exchanges)
    assert village.result(name, name).outcome == FAIL


def test_a_failure_shows_request_and_answer_without_keys(village):
    result = village.result("5.2-get-key-default-size", "5.2-get-key-default-size")
    text = "\n".join(line for exchange in result.exchanges for line in exchange)
    assert "> GET https://127.0.0.1:" in text and "/api/v1/keys/serena/enc_keys" in text
    assert "< 200" in text and "key_ID" in text and '"key": "(44 characters)"' in text


def test_a_kme_that_is_asked_too_often_is_asked_again(village):
    village.pool.busy = 2
    assert village.result("5.1-get-status").outcome == PASS
    assert village.pool.busy == 0


@pytest.mark.parametrize(
    "body, secret",
    [
        (b'{"keys": [{"key": "c2VjcmV0IGtleSBvZiBzb21lYm9keQ=="}]}', "c2VjcmV0"),
        (b'{"keys": [{"key": ["c2VjcmV0IGtleSBvZiBzb21lYm9keQ=="]}]}', "c2VjcmV0"),
        (b'{"keys": [{"key": "c2VjcmV0IGtleSBvZiBzb21lYm9keQ=="', "c2VjcmV0"),
        (b'\xff{"key": "c2VjcmV0IGtleSBvZiBzb21lYm9keQ=="}', "c2VjcmV0"),
        (b'{"key": "c2Vj\\/mV0IGtleSBvZiBzb21lYm9keQ=="', "mV0IGtleSBvZiBz"),
    ],
)
def test_no_form_of_answer_shows_keys(body, secret):
    shown = "\n".join(Answer(Request("master", "GET", "https://kme", {}, None), 200, (), body).shown())
    assert secret not in shown and "key" in shown


def test_a_kme_that_is_not_there_is_no_failure(configuration, tmp_path):
    value = json.loads(configuration.read_text())
    value["master-kme"] = f"https://127.0.0.1:{free_base_port(1)}"
    file = tmp_path / "nobody.json"
    file.write_text(json.dumps(value))
    done = suite("--config", file, "--only", "5.1-get-status", "--only", "4-tls-1.1*", "--json", code=3)
    checks = json.loads(done.stdout)["checks"]
    assert [check["outcome"] for check in checks] == ["ERROR", "ERROR"]
    assert all("cannot connect" in check["why"] for check in checks)


def test_exit_status_and_text(village, tmp_path):
    file = tmp_path / "village.json"
    file.write_text(json.dumps({name: text for name, text in dataclasses.asdict(village.options).items() if text}))
    done = suite("--config", file, "--only", "6.1-status-f*")
    assert done.stdout.splitlines() == [
        "PASS  6.1-status-fields",
        "1 checks: 1 passed, 0 failed, 0 skipped, 0 could not be carried out",
    ]
    village.pool.faults = {"6.1-status-fields"}
    try:
        lines = suite("--config", file, "--only", "6.1-status-f*", code=1).stdout.splitlines()
    finally:
        village.pool.faults = set()
    assert lines[0] == "FAIL  6.1-status-fields: missing: stored_key_count"
    assert any("/status" in line for line in lines) and lines[-1].startswith("1 checks: 0 passed, 1 failed")


def test_without_a_third_sae_only_what_needs_one_is_skipped(configuration, tmp_path):
    value = json.loads(configuration.read_text())
    file = tmp_path / "two.json"
    file.write_text(json.dumps({name: text for name, text in value.items() if not name.startswith("third")}))
    done = suite("--config", file, "--only", "5.3-*", "--json")
    skipped = {check["name"] for check in json.loads(done.stdout)["checks"] if check["outcome"] == SKIP}
    assert skipped == {"5.3-key-of-another-sae-is-401", "5.3-key-of-another-master"}


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["--ca", "/none"], "missing: --master-kme"),
        (["--config", "/none"], "/none"),
        (["--only", "nothing-*", "--list"], "--list"),
        (["--level", "PERHAPS"], "PERHAPS"),
    ],
)
def test_wrong_usage(arguments, told):
    assert told in suite(*arguments, code=2).stderr


@pytest.mark.parametrize(
    "change, told",
    [
        ({"master-kme": "http://127.0.0.1"}, "--master-kme"),
        ({"ca": "none.crt"}, "none.crt"),
        ({"slave-sae": "carol"}, "must differ"),
        ({"third-kme": ""}, "--third-kme"),
        ({"colour": "red"}, "colour"),
        ({"master-sae": 1}, "strings"),
    ],
)
def test_wrong_configuration(configuration, tmp_path, change, told):
    file = tmp_path / "wrong.json"
    file.write_text(json.dumps(json.loads(configuration.read_text()) | change))
    assert told in suite("--config", file, code=2).stderr


def test_levels(configuration):
    names = {
        level: {line.split("  ")[0] for line in suite("--list", "--level", level).stdout.splitlines()}
        for level in ("MUST", "SHOULD", "CLIENTS")
    }
    assert names["MUST"] < names["SHOULD"] < names["CLIENTS"] == set(CHECKS)


def test_the_documentation_lists_the_checks():
    table = [f"| `{c.name}` | {c.clause} | {c.level} | {c.description} |" for c in all_checks()]
    text = pathlib.Path(REPOSITORY / "docs" / "conformance.md").read_text()
    found = re.findall(r"^\| `[456].*$", text, re.MULTILINE)
    assert found == table, "docs/conformance.md must have this table:\n" + "\n".join(table)
    listed = suite("--list").stdout.splitlines()
    assert listed == [f"{c.name}  {c.level}  {c.description}" for c in all_checks()]


def test_the_suite_stands_alone():
    """It needs the standard library, and nothing of the product or of these tests."""
    for file in (SUITE / "suite").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            else:
                modules = [node.module or ""] if isinstance(node, ast.ImportFrom) and node.level == 0 else []
            for module in modules:
                assert module.split(".")[0] in sys.stdlib_module_names, f"{file} imports {module}"
