"""Who must be on which list: a plain account of exports, people and hands, without any of the program's code.

It is written from docs/plan.md. Each method is one thing that happens; what must be true afterwards is `on`.
"""

from dataclasses import dataclass, field


@dataclass
class Place:
    """What is so of one person on one list, and what may be known of it."""

    on: bool = False
    ours: bool = False  # there by our hand
    left: bool = False  # seen to have left by their own hand
    seen: bool = False  # there by the last reading
    holders: set[str] = field(default_factory=set)


@dataclass
class ExportThen:
    """An export as it is now."""

    list_name: str
    mirror: bool = True
    paused: bool = False


@dataclass
class Done:
    """What the last run on a list did, for an undo of it."""

    export: str
    added: set[int] = field(default_factory=set)
    removed: set[int] = field(default_factory=set)


class Account:
    """Everybody, every list and every export."""

    def __init__(self, people: int, lists: list[str]) -> None:
        self.people = range(people)
        self.wanted: dict[int, set[str]] = {p: set() for p in self.people}
        self.consent = dict.fromkeys(self.people, True)
        self.unsubscribed: set[int] = set()
        self.exports: dict[str, ExportThen] = {}
        self.places = {name: {p: Place() for p in self.people} for name in lists}
        self.last: dict[str, Done | None] = dict.fromkeys(lists)

    def on(self, list_name: str) -> set[int]:
        return {p for p, place in self.places[list_name].items() if place.on}

    def held(self, export: str) -> tuple[int, int]:
        """How many the export holds alone, and together with others."""
        places = self.places[self.exports[export].list_name].values()
        held = [place.holders for place in places if export in place.holders]
        return sum(len(h) == 1 for h in held), sum(len(h) > 1 for h in held)

    # -- hands at Constant Contact --------------------------------------------------------------

    def leaves(self, p: int, list_name: str) -> None:
        self.places[list_name][p].on = False

    def joins(self, p: int, list_name: str) -> None:
        self.places[list_name][p].on = True

    def unsubscribes(self, p: int) -> None:
        self.unsubscribed.add(p)
        for places in self.places.values():
            places[p].on = False

    # -- what we see and do ---------------------------------------------------------------------

    def reads(self, list_name: str) -> None:
        """People who were there and are not have left; people who came without us are there by their own hand."""
        for p, place in self.places[list_name].items():
            if p in self.unsubscribed or (place.seen and not place.on):
                place.left, place.ours, place.holders = True, False, set()
            elif place.on and not place.seen:
                place.ours, place.left, place.holders = False, False, set()
            place.seen = place.on

    def wants(self, export: str, p: int) -> bool:
        return export in self.wanted[p] and self.consent[p]

    def runs(self, export: str, *, fails: bool = False) -> None:
        """A run of the export, from its reading to its reading back; `fails`: what it imports is lost."""
        then = self.exports[export]
        places = self.places[then.list_name]
        self.reads(then.list_name)
        done = Done(export)
        adds = {p for p in self.people if self._may_add(export, places[p], p)}
        lost = fails and any(self.wants(export, p) and (p in adds or places[p].on) for p in self.people)
        for p, place in places.items():
            if p in adds:
                if not lost:
                    place.on = place.ours = place.seen = True
                    place.holders = {export}
                    done.added.add(p)
            elif place.on and place.ours and self.wants(export, p):
                place.holders.add(export)
            elif export in place.holders and not self.consent[p] and not then.mirror:
                place.holders.discard(export)
            elif export in place.holders and then.mirror and self._ends(export, place, p) and not lost:
                self._takes_off(place)
                done.removed.add(p)
        self.last[then.list_name] = done

    def _may_add(self, export: str, place: Place, p: int) -> bool:
        return self.wants(export, p) and not place.on and not place.left and p not in self.unsubscribed

    def _ends(self, export: str, place: Place, p: int) -> bool:
        """End this export's hold; whether nobody else keeps the person on the list."""
        if not self.consent[p]:
            return True
        others = place.holders - {export}
        if others:
            place.holders.discard(export)
            return False
        return not any(
            self.wants(name, p)
            for name, other in self.exports.items()
            if name != export and not other.paused and other.list_name == self.exports[export].list_name
        )

    @staticmethod
    def _takes_off(place: Place) -> None:
        place.on = place.ours = place.seen = False
        place.holders = set()

    def lets_go(self, export: str, list_name: str, *, take_off: bool) -> None:
        """The export holds nobody on the list any more; with `take_off` a run removes whom it held alone."""
        places = self.places[list_name]
        if take_off:
            self.reads(list_name)
            done = Done(export)
            for p, place in places.items():
                if export in place.holders and self._ends_for_good(export, list_name, place, p):
                    self._takes_off(place)
                    done.removed.add(p)
            self.last[list_name] = done
        for place in places.values():
            place.holders.discard(export)

    def _ends_for_good(self, export: str, list_name: str, place: Place, p: int) -> bool:
        movers = (
            self.wants(name, p)
            for name, other in self.exports.items()
            if name != export and not other.paused and other.list_name == list_name
        )
        return place.holders == {export} and not any(movers)

    def undoes(self, list_name: str) -> None:
        """The last run on the list is undone: whom it added goes, whom it took off comes back."""
        done = self.last[list_name]
        assert done is not None
        self.reads(list_name)
        undone = Done(done.export)
        for p in done.added:
            place = self.places[list_name][p]
            if place.on and place.holders == {done.export}:
                self._takes_off(place)
                undone.removed.add(p)
            else:
                place.holders.discard(done.export)
        for p in done.removed:
            place = self.places[list_name][p]
            if not place.on and not place.left and p not in self.unsubscribed and self.consent[p]:
                place.on = place.ours = place.seen = True
                place.holders = {done.export}
                undone.added.add(p)
        self.last[list_name] = undone
