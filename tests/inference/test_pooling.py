"""Every way to write how a parameter is shared, and every way to write it wrong."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bayeslaw as bl
from bayeslaw.errors import PoolingError
from bayeslaw.inference.model.plan import MANY_ROWS, bounded, least_rows, make_plan, padded, unbounded
from bayeslaw.inference.model.pooling import Pooling, group, plan_pooling, read_pooling
from bayeslaw.language.catalogue import law
from bayeslaw.runs.table import Runs
from tests.simulate import simulated_runs

POWER = law("power_law")


def table(**more) -> Runs:
    """Twelve runs of three families on two corpora, one combination of which does not occur."""
    runs = simulated_runs(POWER, np.random.default_rng(0), 12)
    family = np.array(["a", "a", "b", "b", "c", "c"] * 2, dtype=object)
    corpus = np.array(["web", "code", "web", "code", "web", "web"] * 2, dtype=object)
    one = np.array(["same"] * 12, dtype=object)
    return Runs.from_arrays({**runs.data, "family": family, "corpus": corpus, "one": one, **more}, "table.csv")


@pytest.mark.parametrize(
    ("text", "kind", "groupings"),
    [
        ("complete", "complete", ()),
        ("none", "none", ("family",)),
        ("none:corpus", "none", ("corpus",)),
        ("none:family*corpus", "none", ("family:corpus",)),
        ("partial", "partial", ("family",)),
        ("partial:corpus", "partial", ("corpus",)),
        ("corpus", "partial", ("corpus",)),
        ("family*corpus", "partial", ("family:corpus",)),
        ("family/corpus", "partial", ("family", "family:corpus")),
        ("family+corpus", "partial", ("family", "corpus")),
        ("family/corpus+seed", "partial", ("family", "family:corpus", "seed")),
        ("a/b/c", "partial", ("a", "a:b", "a:b:c")),
        (" partial : family / corpus ", "partial", ("family", "family:corpus")),
    ],
)
def test_a_text_says_how_a_parameter_is_pooled(text: str, kind: str, groupings: tuple[str, ...]) -> None:
    assert read_pooling(text, "alpha", "family") == Pooling(kind, groupings)


@pytest.mark.parametrize(
    ("text", "family", "says"),
    [
        ("partial", None, "which column holds the groups.*family=COLUMN.*alpha=partial:COLUMN"),
        ("none", None, "alpha=none:COLUMN"),
        ("none:a+b", None, "write none:a*b"),
        ("none:a/b", None, "write none:a*b"),
        ("a*", None, "a column is missing"),
        ("partial:a//b", None, "a column is missing"),
        ("+a", None, "a column is missing"),
        ("a+a", None, "is given twice"),
        ("a/a", None, "is given twice"),
    ],
)
def test_a_wrong_text_is_refused_with_a_remedy(text: str, family: str | None, says: str) -> None:
    with pytest.raises(PoolingError, match=says.replace("*b", r"\*b")):
        read_pooling(text, "alpha", family)


def test_groups_are_those_that_occur() -> None:
    both = group(table(), "family:corpus")
    assert both.columns == ("family", "corpus")
    assert both.labels == ("a:code", "a:web", "b:code", "b:web", "c:web")
    runs = table()
    for row, index in enumerate(both.index):
        assert both.levels[index] == (runs.data["family"][row], runs.data["corpus"][row])


@pytest.mark.parametrize(
    ("pool", "says"),
    [
        ({"alpah": "complete"}, "no parameter 'alpah'; did you mean 'alpha'"),
        ({"alpha": "corpsu"}, "table.csv: there is no column 'corpsu' to pool over; did you mean 'corpus'"),
        ({"alpha": "family/corpsu"}, "did you mean 'corpus'"),
        (
            {"alpha": "partal"},
            "did you mean 'partial'; pool alpha is complete, none, partial or partial:COLUMN; columns:",
        ),
        ({"alpha": 3}, "pool alpha: 3 is not a text; write complete"),
        ("complete", "pool: 'complete' is not by parameter"),
        ({"alpha": "one"}, "has the one value 'same', so there is nothing to pool over"),
        ({"alpha": "none:one"}, "has the one value 'same'"),
        ({"alpha": "loss"}, "'loss' is what law 'power_law' predicts, so runs cannot be grouped by it"),
    ],
)
def test_a_hierarchy_that_the_runs_cannot_carry_is_refused(pool: dict[str, str], says: str) -> None:
    with pytest.raises(PoolingError, match=says):
        plan_pooling(POWER, table(), "family", pool)


def test_a_family_column_with_one_value_is_refused() -> None:
    with pytest.raises(PoolingError, match="has the one value 'same'"):
        plan_pooling(POWER, table(), "one")


def test_a_group_may_be_called_what_a_question_says_in_place_of_one() -> None:
    """It was refused at the fit; which of the two a question means is for the question."""
    renamed = table(family=np.array(["new", "population", "c"] * 4, dtype=object))
    assert group(renamed, "family").labels == ("c", "new", "population")


def test_without_a_family_all_runs_are_one() -> None:
    poolings, groupings = plan_pooling(POWER, table())
    assert set(poolings.values()) == {Pooling("complete")}
    assert groupings == {}


def test_the_law_file_recommends_and_the_caller_decides() -> None:
    poolings, groupings = plan_pooling(POWER, table(), "family", {"alpha": "complete", "sigma": "none:corpus"})
    for name, parameter in POWER.parameters.items():
        if name not in ("alpha", "sigma"):
            assert poolings[name] == (Pooling("partial", ("family",)) if parameter.pool else Pooling("complete"))
    assert poolings["alpha"] == Pooling("complete")
    assert poolings["sigma"] == Pooling("none", ("corpus",))
    assert set(groupings) == {"family", "corpus"}


def test_a_family_of_two_columns_is_their_combinations() -> None:
    poolings, _ = plan_pooling(POWER, table(), "family*corpus")
    assert poolings["alpha"] == Pooling("partial", ("family:corpus",))


def test_a_column_that_a_law_file_wants_and_runs_lack_is_no_error() -> None:
    """A recommendation that does not apply; a group effect was asked for, so there it is."""
    wants = POWER.text.replace('pool = "family"', 'pool = "corpus"')
    parsed = type(POWER).parse(wants, "wants")
    assert plan_pooling(parsed, table())[0]["alpha"] == Pooling("partial", ("corpus",))
    without = Runs.from_arrays({k: v for k, v in table().data.items() if k != "corpus"})
    assert plan_pooling(parsed, without)[0]["alpha"] == Pooling("complete")
    assert plan_pooling(parsed, table(corpus=table().data["one"]))[0]["alpha"] == Pooling("complete")
    with pytest.raises(PoolingError, match=r"no column 'seeds' whose runs could err together; columns:"):
        plan_pooling(POWER.with_group_effect("seeds"), table())


def test_what_a_prior_holds_is_held_in_every_group() -> None:
    """The families had deviations about it before, which the runs pulled from the value that was given."""
    held = POWER.with_priors(E="Constant(1.6)", alpha="Constant(0.1)")
    plan = make_plan(held, table(), "family")
    assert plan.poolings["E"] == plan.poolings["alpha"] == Pooling("complete")
    assert plan.poolings["A"] == Pooling("partial", ("family",))
    assert {name for name, _, _ in plan.structure.sites} == {
        "A", "A_spread_family", "A_deviation_family", "sigma", "nu"
    }  # fmt: skip
    with pytest.raises(PoolingError, match=r"pool E=corpus: the prior Constant\(1\.6\) holds 'E' in every group"):
        make_plan(held, table(), "family", {"E": "corpus"})
    assert make_plan(held, table(), "family", {"E": "complete"}).poolings["E"] == Pooling("complete")


@pytest.mark.parametrize("pool", ["family", "corpus", "partial:corpus"])
def test_a_prior_that_is_held_later_is_held_whatever_the_file_recommends(pool: str) -> None:
    """A file that names a column beside a constant means shifts about it; one that is held afterwards does not."""
    parsed = type(POWER).parse(POWER.text.replace('pool = "family"', f'pool = "{pool}"'), "wants")
    assert make_plan(parsed, table(), "family").poolings["E"].kind == "partial"
    assert make_plan(parsed.with_priors(E="Constant(1.6)"), table(), "family").poolings["E"] == Pooling("complete")


def test_a_group_effect_is_shifts_about_nothing() -> None:
    """Of any column, one that is called family too, with or without families."""
    for column in ("corpus", "family"):
        plan = make_plan(POWER.with_group_effect(column), table())
        assert plan.poolings["group_effect"] == Pooling("partial", (column,))
    effect = POWER.with_group_effect("corpus")
    assert make_plan(effect, table(), "family").poolings["group_effect"] == Pooling("partial", ("corpus",))
    assert make_plan(effect, table(), None, {"group_effect": "family"}).poolings["group_effect"].groupings == (
        "family",
    )


def test_a_plan_names_what_it_samples() -> None:
    structure = make_plan(POWER, table(), None, {"alpha": "family/corpus", "A": "none:corpus"}).structure
    lengths = {name: length for name, _, length in structure.sites}
    assert lengths["A"] == 2
    assert (lengths["alpha"], lengths["alpha_spread_family"], lengths["alpha_deviation_family"]) == (None, None, 3)
    assert lengths["alpha_deviation_family:corpus"] == 5
    assert [effect[1] for effect in structure.effects] == ["family", "family:corpus"]
    assert structure.size_of == {"family": 3, "family:corpus": 5, "corpus": 2}


@given(st.integers(1, 10**7), st.sampled_from([32, 64, 256]))
def test_padding_is_little_and_never_negative(rows: int, least: int) -> None:
    """Half as many again, or an eighth where rows are many."""
    size = padded(rows, least)
    assert rows <= size <= max(least, rows * (1.125 if rows > MANY_ROWS else 1.5) + 16)
    assert padded(size, least) == size
    assert padded(rows + 1, least) >= size


def test_tables_of_many_lengths_share_few_programs() -> None:
    lengths = range(1, MANY_ROWS + 1)
    many = {256, 384, 512, 768, 1024, 1536, 2048}
    assert {padded(rows, 256) for rows in lengths} == many
    assert {padded(rows, 64) for rows in lengths} == {64, 96, 128, 192, *many}
    assert len({padded(rows, 32) for rows in lengths}) == 13


def test_programs_have_more_rows_where_a_row_is_cheap() -> None:
    """A law of a loss is a few powers; counts of successes take gamma functions, a root is searched for."""
    least = {law.name: least_rows(law, grouped=False) for law in bl.laws()}
    assert least["chinchilla"] == least["coupled"] == least["over_training"] == least["power_law"] == 256
    assert least["bnsl"] == least["passuntil"] == least["capacity_gap"] == least["densing"] == 64
    assert {least_rows(law, grouped=True) for law in bl.laws()} == {32}


def test_padding_has_no_weight() -> None:
    plan = make_plan(POWER, table(weight=np.arange(1.0, 13.0)), "family")
    data = plan.data()
    assert data["weights"].tolist() == [*range(1, 13), *[0] * 20]
    columns = [*data["arrays"].values(), data["outcome"], *data["groups"].values()]
    assert all(len(c) == 32 and np.isfinite(c).all() for c in columns)


@pytest.mark.parametrize("name", ["E", "floor"])
def test_deviations_add_on_a_scale_without_bounds(name: str) -> None:
    one = POWER if name == "E" else law("m4")
    parameter = one.parameters[name]
    draws = parameter.prior.draw(np.random.default_rng(3), 50)
    np.testing.assert_allclose(bounded(parameter.prior, unbounded(parameter.prior, draws)), draws, rtol=1e-12)
