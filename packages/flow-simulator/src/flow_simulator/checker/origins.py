"""Verdict 5: no reader saw what nobody posted; the epoch changed if and only if state was lost."""

import json
from collections.abc import Iterator
from itertools import groupby

from flow_simulator.checker.entries import SnapshotTaken
from flow_simulator.checker.explanation import Effects
from flow_simulator.checker.finding import Finding, Verdict, name_of
from flow_simulator.checker.operations import History
from flow_simulator.checker.picture import Picture, fingerprint, fingerprint_of


def check_origins(history: History) -> Iterator[Finding]:
    """Messages that readers saw and nobody posted, or that the server said it refused."""
    posted = {fingerprint(message) for request in history.requests for message in request.messages}
    applied = {
        fingerprint(message)
        for request in history.requests
        if not request.refused
        for message in request.messages
    }
    for frame in history.frames:
        if frame.event == "snapshot":
            continue  # what snapshots show is verdict 3
        print_ = fingerprint_of(frame.data)
        if json.loads(frame.data)["type"] != frame.event:
            yield _finding(history, frame.reader, f"the event {frame.event} holds {frame.data}")
        if print_ not in posted:
            yield _finding(history, frame.reader, f"saw {frame.data} at {frame.id}, which nobody posted")
        elif print_ not in applied:
            yield _finding(history, frame.reader, f"saw {frame.data} at {frame.id}, which was refused")


def check_epochs(history: History, taken: SnapshotTaken | None) -> Iterator[Finding]:
    """An epoch is one life of the state: it never comes back, nor does it end while the state lives on."""
    answers = [
        (request, answer) for request in history.requests if (answer := request.acknowledged) and answer.seq
    ]
    answers.sort(key=lambda pair: pair[1].seq or 0)
    for request, answer in answers:
        if not answer.epoch:
            yield _finding(history, request.name, "was answered without an epoch")
    lives = [epoch for epoch, _ in groupby(answer.epoch for _, answer in answers)]
    for epoch in {epoch for epoch in lives if lives.count(epoch) > 1}:
        yield _finding(history, "the epochs", f"{epoch} came back after another one")
    if taken is not None and taken.body is not None and len(lives) > 1:
        before = max(answer.seq or 0 for _, answer in answers if answer.epoch != lives[-1])
        yield from _kept_all(history, Picture.of(json.loads(taken.body)), lives[-1], until=before)


def _kept_all(history: History, picture: Picture, epoch: str | None, *, until: int) -> Iterator[Finding]:
    """Whether all that earlier epochs, up to a sequence, left behind is there, unless touched later."""
    effects = Effects(history)
    kept: list[str] = []
    for key in effects.all_keys():
        touching = [(one, value) for one, value in effects.on(key) if one.kind != "loss"]
        if any(one.hi > until or not one.certain or one.kind == "delete" for one, _ in touching):
            continue
        last = max(touching, key=lambda effect: (effect[0].hi, effect[0].index))
        if last[1] is None:
            continue
        shown = picture.value(key)
        if shown is None or fingerprint(shown) != fingerprint(last[1]):
            return
        kept.append(name_of(key))
    if kept:
        problem = f"the epoch became {epoch}, but nothing was lost: {kept[0]} is still there"
        yield _finding(history, "the epochs", problem)


def _finding(history: History, who: str, problem: str) -> Finding:
    return Finding(verdict=Verdict.ORIGINS, flow=history.flow, who=who, problem=problem)
