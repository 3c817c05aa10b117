"""The words of the phases that models with rows for tokens and positions go through, from look-up to logits."""

from embedviz.analysis.figures import counted
from embedviz.config import RunConfig
from embedviz.trace import TracePhase

_LOOK_UP = (
    "No multiplication happens: each token of {ids:tokens} takes its row from the table. One-hot vectors times "
    "the table give the same {rows:shape} numbers (largest difference {one-hot difference})."
)


def stages_of(config: RunConfig, norm: str, feed_forward: str) -> tuple[TracePhase, ...]:
    """Return the phases of a transformer; `norm` and `feed_forward` are its formulas."""
    before = input_name(config)
    stages = [*look_up(config)]
    for number in range(1, config.n_layer + 1):
        stages += _block(number, before, norm, feed_forward, config.position == "rope")
        before = f"block {number} stream 2"
    return (*stages, _norm("norm", "Norm", "norm", norm), head(config, "norm[-1]", is_tied=config.tie))


def input_name(config: RunConfig) -> str:
    """Return the name in a trace of what the layers after the tables get."""
    return "sum" if config.position == "learned" else "scaled rows" if config.scale_embeddings else "rows"


def look_up(config: RunConfig) -> list[TracePhase]:
    """Return the phases that make the rows: looking up, and adding positions or scaling if that is done."""
    stages = [
        TracePhase(
            name="lookup",
            title="Look up",
            kind="signed",
            picture="rows",
            shape="rows {rows:shape}",
            lines=("{ids:tokens}", "{token:token}: row {token}"),
            formula="E[{token}] = {rows[-1]:vector}: row {token} of the table",
            explanation=_LOOK_UP,
            context="rows",
        )
    ]
    scale = f"√{config.n_embd} · " if config.scale_embeddings else ""
    rows = "scaled rows" if scale else "rows"
    if config.position == "learned":
        stages.append(
            TracePhase(
                name="positions",
                title="Add positions",
                kind="signed",
                picture="sum",
                shape=f"{scale}rows + positions {{sum:shape}}",
                lines=("column {column of sum}", "{" + rows + "[-1,column of sum]:+to sum[-1,column of sum]}"),
                formula=(
                    "column {column of sum}: {" + rows + "[-1,column of sum]:+adds position rows to sum} "
                    f"(x = {scale}E[{{token}}] + P[{{last place}}])"
                ),
                explanation=(
                    "Row {last place} of the position table is added, because {token:token} stands at position "
                    "{last place}, counted from 0. The same token elsewhere gets another sum from the same row."
                    + (f" Token rows come times √{config.n_embd} first." if scale else "")
                ),
                marks=("column of sum",),
                context="rows",
            )
        )
    elif scale:
        stages.append(
            TracePhase(
                name="scale",
                title="Scale",
                kind="signed",
                picture="scaled rows",
                shape="√C · rows {scaled rows:shape}",
                lines=(f"√{config.n_embd} · row {{token}}", "{scaled rows[-1]:vector}"),
                formula=f"x = √{config.n_embd} · E[{{token}}] = {{scaled rows[-1]:vector}}",
                explanation="Each row is multiplied by the square root of its width before anything reads it.",
                context="rows",
            )
        )
    return stages


def head(config: RunConfig, last: str, *, is_tied: bool, has_bias: bool = False) -> TracePhase:
    """Return the phase that makes logits of what stands at the place `last` of the trace."""
    row = "E[{target}]" if is_tied else "W[{target}]"
    bias = " + b[{target}]" if has_bias else ""
    tied = " The head is tied: its rows are those of the token table." if is_tied else ""
    return TracePhase(
        name="logits",
        title="Logits",
        kind="signed",
        picture="logits",
        shape=f"x · {'E' if is_tied else 'W'} {{logits:shape}}",
        lines=("{target:token} {logits[target]:+}", "highest {likeliest:token} {logits[likeliest]:+}"),
        formula=f"logit of {{target:token}} = x · {row}{bias} = {{logits[target]:+}}",
        explanation=(
            f"x is what stands at the last position, {{{last}:vector}}, and row {{target}} of the head is "
            f"{{head row:vector}}: {counted(config.n_embd, 'product')}, added up. The highest logit is that of "
            f"{{likeliest:token}}, {{logits[likeliest]:+}}.{tied}"
        ),
        marks=("target",),
        context="before",
    )


def _block(number: int, before: str, norm: str, feed_forward: str, is_turned: bool) -> list[TracePhase]:
    name = f"block {number}"
    return [
        _norm(f"block-{number}-norm-1", f"{number} · Norm", f"{name} norm 1", norm),
        _attention(number, is_turned),
        _add(number, 1, before, "attention"),
        _norm(f"block-{number}-norm-2", f"{number} · Norm", f"{name} norm 2", norm),
        _feed_forward(number, feed_forward),
        _add(number, 2, f"{name} stream 1", "feed-forward"),
    ]


def _norm(name: str, title: str, array: str, formula: str) -> TracePhase:
    return TracePhase(
        name=name,
        title=title,
        kind="signed",
        picture=array,
        shape=f"{{{array}:shape}}",
        lines=(f"{{{array}[-1,0]:+}}, …",),
        formula=f"last row → {{{array}[-1]:vector}}: {formula}",
        explanation=(
            "Rows of the stream may grow; each is brought to one size before the next layer reads it, position by "
            "position. The stream itself stays as it is."
        ),
        context="rows",
    )


def _attention(number: int, is_turned: bool) -> TracePhase:
    name = f"block {number}"
    at = f"[{name} head,{name} place]"
    weight = f"{{{name} attention last{at}}}"
    turned = " Queries and keys were turned by their positions first." if is_turned else ""
    return TracePhase(
        name=f"block-{number}-attention",
        title=f"{number} · Attention",
        kind="weights",
        picture=f"{name} attention last",
        shape=f"heads × places {{{name} attention last:shape}}",
        lines=(f"head {{{name} head:nth}}: {weight}", f"on {{{name} seen:token}}"),
        formula=(
            f"head {{{name} head:nth}} of {{token:token}} takes {weight} from {{{name} seen:token}} "
            f"(score {{{name} scores last{at}:+}}): softmax(qkᵀ / √D)"
        ),
        explanation=(
            "Each head asks with the query of {token:token} and weighs every position up to it by its key; the "
            f"weights of a head add up to 1. This is the last row of each head's map: one row for each position "
            f"that asks.{turned}"
        ),
        marks=(f"{name} place",),
        context="rows",
    )


def _feed_forward(number: int, formula: str) -> TracePhase:
    name = f"block {number}"
    return TracePhase(
        name=f"block-{number}-feed-forward",
        title=f"{number} · Feed-forward",
        kind="signed",
        picture=f"{name} hidden",
        shape=f"in the middle {{{name} hidden:shape}}",
        lines=(
            f"unit {{{name} unit}}: {{{name} hidden[-1,{name} unit]:+}}",
            f"→ {{{name} feed-forward out:shape}}",
        ),
        formula=(
            f"{formula}: {{{name} norm 2:shape}} → {{{name} hidden:shape}} → {{{name} feed-forward out:shape}}"
        ),
        explanation=(
            "Each position by itself goes through two layers: no position sees another here. At the last one unit "
            f"{{{name} unit}} answers most strongly, {{{name} hidden[-1,{name} unit]:+}}."
        ),
        marks=(f"{name} unit",),
        context="rows",
    )


def _add(number: int, which: int, before: str, what: str) -> TracePhase:
    name = f"block {number}"
    column, after = f"{name} column {which}", f"{name} stream {which}"
    terms = f"{{{before}[-1,{column}]:+adds {name} {what} out to {after}}}"
    return TracePhase(
        name=f"block-{number}-add-{which}",
        title=f"{number} · Add",
        kind="signed",
        picture=after,
        shape=f"x + {what} {{{after}:shape}}",
        lines=(f"column {{{column}}}", f"{{{before}[-1,{column}]:+to {after}[-1,{column}]}}"),
        formula=f"column {{{column}}}, last row: {terms} (x + {what})",
        explanation=(
            f"What the {what} puts out is added to the stream, which carries all from the rows to the head. "
            "Gradients come back along the same way, past every layer."
        ),
        marks=(column,),
        context="rows",
    )
