"""`bayeslaw backtest`: one JSON object, one sentence for bad input."""

import json

import pytest
from click.testing import CliRunner

from bayeslaw.cli import commands
from tests.validation.test_backtest import made


def run(*arguments: str):
    return CliRunner().invoke(commands, ["backtest", *arguments])


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("runs") / "runs.csv"
    made().frame().to_csv(path, index=False)
    return str(path)


def test_the_answer_is_one_json_object_and_the_picture_is_there(table, tmp_path):
    picture = tmp_path / "backtest.png"
    done = run(table, "--laws", "chinchilla", "--hide", "n_params * n_tokens > 5e18", "--draws", "200", "--no-rivals",
               "--json", "--plot", str(picture))  # fmt: skip
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert answer["laws"]["chinchilla"]["n"] == len(answer["points"])
    assert answer["rivals"] == {}
    assert picture.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--executor", "tcp://"], "--executor tcp://: "),
        (["--hide", "n_params > 1", "--origins", "0.5"], "leave out --along and --origins"),
        (["--hide", "n_params > 1e20"], "none of the 150 runs"),
        (["--origins", "half"], "'half' is not a number"),
        (["--origins", "0.02"], "--origins 0.05), or take a law of fewer parameters"),
        (["--along", "colour"], "needs column 'colour', which is not there"),
        (["--laws", "chinchila"], "did you mean 'chinchilla'"),
        (["--of", "optimum", "--through", "chinchilla"], "leave it out where the best size is asked for"),
        (["--of", "score", "--laws", "auto"], "there is no score to predict; expected a column"),
        (["--through", "coupled"], "'coupled' predicts loss, which chinchilla does not read"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(table, options, words):
    laws = [] if "--laws" in options else ["--laws", "chinchilla"]
    done = run(table, *laws, *options)
    assert done.exit_code == 2
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()[-1]) < 400
