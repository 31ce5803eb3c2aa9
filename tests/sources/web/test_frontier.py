"""The frontier: order of discovery, no link twice, limits, and counts that add up whatever happens in between."""

import random

from sources.web.frontier import Entry, Frontier, Outcome
from sources.web.link import Link

KEPT = Outcome("kept")


def item(number: int) -> Link:
    return Link(url=f"https://a.example.org/{number}", role="item")


def index(number: int) -> Link:
    return Link(url=f"https://a.example.org/list/{number}", role="index")


def put(frontier: Frontier, link: Link, host: str = "a") -> Entry | None:
    return frontier.add(link, host, link.url)


def drain(frontier: Frontier, host: str = "a") -> list[str]:
    given = []
    while entry := frontier.next(host):
        given.append(entry.link.url.rpartition("org/")[2])
        frontier.settle(entry, KEPT, entry.link.url)
    return given


def test_listings_come_first_and_each_kind_in_order_of_discovery() -> None:
    frontier = Frontier()
    for link in (item(2), index(1), item(1), index(0)):
        put(frontier, link)
    assert drain(frontier) == ["list/1", "list/0", "2", "1"]


def test_a_link_is_taken_once_but_a_page_may_be_listing_and_item() -> None:
    frontier = Frontier()
    assert put(frontier, item(1)) is not None
    assert put(frontier, item(1)) is None
    assert put(frontier, Link(url=item(1).url, role="index")) is not None
    assert len(frontier.entries) == 2


def test_max_items_stops_listing_when_enough_are_in_sight_and_goes_on_when_one_fails() -> None:
    frontier = Frontier(max_items=2)
    for link in (item(1), item(2), index(1), item(3)):
        put(frontier, link)
    first, second = frontier.next("a"), frontier.next("a")
    assert first is not None
    assert second is not None
    assert [first.link, second.link] == [item(1), item(2)]
    assert frontier.next("a") is None
    assert list(frontier.hosts()) == []
    frontier.settle(first, Outcome("dropped", "http_404"))
    assert list(frontier.hosts()) == ["a"]
    third = frontier.next("a")
    assert third is not None
    assert third.link == item(3)
    frontier.settle(second, KEPT)
    frontier.settle(third, KEPT)
    assert frontier.next("a") is None
    assert [entry.link for entry in frontier.unsettled()] == [index(1)]


def test_what_is_settled_unseen_is_never_handed_out() -> None:
    frontier = Frontier()
    entries = [put(frontier, item(number)) for number in range(6)]
    for entry in entries[::2]:
        assert entry is not None
        frontier.settle(entry, Outcome("dropped", "off_list"))
    assert drain(frontier) == ["1", "3", "5"]
    assert not frontier.unsettled()


def test_any_order_of_events_hands_out_each_link_once_and_respects_the_limit() -> None:
    for seed in range(200):
        draw = random.Random(seed)
        limit = draw.choice([None, 1, 5, 30])
        frontier, handed, opened = Frontier(limit), [], []
        for number in range(60):
            link = draw.choice([item, index])(draw.randrange(40))
            frontier.add(link, f"host{number % 3}", link.url)
            for host in list(frontier.hosts()):
                if draw.random() < 0.6 and (entry := frontier.next(host)):
                    handed.append(entry.number)
                    opened.append(entry)
            if opened and draw.random() < 0.5:
                frontier.settle(opened.pop(draw.randrange(len(opened))), draw.choice([KEPT, Outcome("dropped", "x")]))
        while opened or list(frontier.hosts()):
            for host in list(frontier.hosts()):
                entry = frontier.next(host)
                assert entry is not None, f"seed {seed}: hosts() names one that has nothing"
                handed.append(entry.number)
                opened.append(entry)
                break
            else:
                frontier.settle(opened.pop(), KEPT)
        assert len(handed) == len(set(handed)), f"seed {seed}"
        if limit is None:
            assert not frontier.unsettled(), f"seed {seed}"
        else:
            assert frontier.kept_items <= limit, f"seed {seed}"
            waiting_items = [entry for entry in frontier.unsettled() if entry.link.role == "item"]
            assert not waiting_items or frontier.kept_items == limit, f"seed {seed}"
