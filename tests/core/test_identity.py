"""Links of an anonymous id, drawn as timelines: who holds it from when to when."""

from __future__ import annotations

from random import Random

import pytest

from streams.core.identity import BEGINNING, END, Claim, is_linked, links_of, owner_at

A = "anon:a-1"


def claim(at_ms: int, customer_id: str, event_id: str = "") -> Claim:
    return Claim(A, customer_id, at_ms, event_id or f"e-{at_ms}")


def owners(*claims: Claim) -> list[tuple[str, object, object]]:
    return [(link.customer_id, link.start, link.end) for link in links_of(claims)]


def test_nobody_holds_what_nobody_claims() -> None:
    assert links_of([]) == []


def test_the_first_claim_gets_the_whole_past_and_the_future() -> None:
    # ....c-1.......
    #     ^ 5
    assert owners(claim(5, "c-1")) == [("c-1", BEGINNING, END)]


def test_a_later_claim_by_another_customer_begins_at_its_moment() -> None:
    # ....c-1...c-2....
    assert owners(claim(5, "c-1"), claim(9, "c-2")) == [
        ("c-1", BEGINNING, (9, "e-9")),
        ("c-2", (9, "e-9"), END),
    ]


def test_a_claim_by_the_customer_who_holds_it_changes_nothing() -> None:
    assert owners(claim(5, "c-1"), claim(7, "c-1"), claim(9, "c-2"), claim(11, "c-2")) == [
        ("c-1", BEGINNING, (9, "e-9")),
        ("c-2", (9, "e-9"), END),
    ]


def test_a_claim_in_between_splits_what_one_customer_held() -> None:
    # c-1 at 5 and at 11, and then, late, c-2 at 9
    assert owners(claim(5, "c-1"), claim(11, "c-1"), claim(9, "c-2")) == [
        ("c-1", BEGINNING, (9, "e-9")),
        ("c-2", (9, "e-9"), (11, "e-11")),
        ("c-1", (11, "e-11"), END),
    ]


def test_claims_at_one_instant_are_ordered_by_event_id() -> None:
    links = links_of([claim(5, "c-2", "e-b"), claim(5, "c-1", "e-a")])

    assert [owner_at(links, (5, event_id)) for event_id in ("e-0", "e-a", "e-b", "e-z")] == [
        "c-1", "c-1", "c-2", "c-2",
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_links_do_not_depend_on_the_order_of_claims_nor_on_repeats(seed: int) -> None:
    random = Random(seed)
    claims = [claim(random.randint(1, 9), random.choice(("c-1", "c-2", "c-3"))) for _ in range(6)]
    claims = list({one.moment: one for one in claims}.values())
    turned = random.choices(claims, k=3) + random.sample(claims, len(claims))

    links = links_of(claims)

    assert links_of(turned) == links
    assert [link.end for link in links[:-1]] == [link.start for link in links[1:]], "no gap, no overlap"


def test_a_customers_links_cover_only_the_visitor_that_they_name() -> None:
    links = links_of([claim(5, "c-1"), claim(9, "c-2")])[:1]

    assert is_linked(links, A, (8, "e"))
    assert not is_linked(links, A, (9, "e-9"))
    assert not is_linked(links, "anon:other", (8, "e"))
