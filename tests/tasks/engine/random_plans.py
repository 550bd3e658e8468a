"""Random plans: acyclic graphs of two to seven steps."""

from __future__ import annotations

from hypothesis import strategies as st

from tasks.plan import Action, Plan, Retry, Script, StepSpec

HOSTS = ("h1", "h2")
LONG = 3600.0  # seconds, longer than any run: what waits so long is only freed by the rules that say so


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    keys = [f"s{n}" for n in range(draw(st.integers(2, 7)))]
    steps = []
    for place, key in enumerate(keys):
        script = Script("true", probe=draw(st.sampled_from(["", "true"])))
        kinds: list[Script | Action] = [script, Action("simulated")]
        do = draw(st.sampled_from(kinds))
        steps.append(
            StepSpec(
                key,
                key,
                do,
                hosts=HOSTS[: draw(st.integers(1, 2))] if isinstance(do, Script) else (),
                after=tuple(draw(st.lists(st.sampled_from(keys[:place]), max_size=2, unique=True))) if place else (),
                expected=draw(st.integers(1, 30)),
                retry=Retry(attempts=draw(st.integers(1, 3)), delay=draw(st.sampled_from([0, LONG])), cap=LONG),
            )
        )
    plan = Plan("test", tuple(steps), mutating=draw(st.booleans()), during="installing", success="ready")
    return plan.validate(HOSTS)
