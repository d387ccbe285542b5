"""Every benchmark can be run by `make bench`: `main(argv) -> int` in a module that does nothing when imported."""

import ast
from pathlib import Path

import pytest

from tests.benchmarks.__main__ import describe_machine, main
from tests.house.sources import modules, text


def benchmarks() -> list[Path]:
    return [module for module in modules("tests/benchmarks") if module.stem.startswith("bench_")]


def test_each_benchmark_takes_its_arguments_and_answers_a_code() -> None:
    for module in benchmarks():
        functions = {node.name: node for node in ast.parse(text(module)).body if isinstance(node, ast.FunctionDef)}
        assert "main" in functions, module
        assert [argument.arg for argument in functions["main"].args.args] == ["argv"], module
        assert ast.unparse(functions["main"].returns or ast.Constant(None)) == "int", module


def test_an_unknown_benchmark_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nothing_of_that_name"]) == 2
    assert "nothing_of_that_name" in capsys.readouterr().err


def test_the_machine_is_described() -> None:
    assert set(describe_machine()) == {"processor", "cores", "memory", "python", "system"}
