"""The matplotlib backend of scripts: `show` saves the open figures beside the script, since nobody sees its windows."""

import atexit
import itertools
import os
import sys
import weakref
from typing import Any

from matplotlib._pylab_helpers import Gcf
from matplotlib.backend_bases import FigureManagerBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

MOST = 20  # figures that one run saves by itself
shown: weakref.WeakSet[Figure] = weakref.WeakSet()
unchanged: weakref.WeakSet[Figure] = weakref.WeakSet()  # since they were saved
last: list[Figure] = []  # the figure shown last; the others live as long as the script holds them
counts = {"saved": 0, "pictures": 0}


class FigureManager(FigureManagerBase):  # type: ignore[misc]
    """Shows figures by saving them."""

    def show(self) -> None:
        """Save this figure, which stays open."""
        save(self.canvas.figure)

    @classmethod
    def pyplot_show(cls, *, block: bool | None = None) -> None:
        """Save the figures that changed since they were saved, and close them, as people close windows."""
        if block is False:  # the script goes on drawing
            return
        canvases = [manager.canvas for manager in Gcf.get_all_fig_managers()]
        figures = [canvas.figure for canvas in canvases if isinstance(canvas, FigureCanvas)]
        for figure in [*shown, *figures]:
            save(figure)
        shown.update(figures)
        last[:] = figures[-1:] or last
        Gcf.destroy_all()


class FigureCanvas(FigureCanvasAgg):  # type: ignore[misc]
    """A canvas that notes when its figure is saved to a file."""

    manager_class = FigureManager

    def draw(self) -> None:
        """Draw the figure, which is no change of it."""
        same = self.figure in unchanged
        super().draw()
        if same:
            unchanged.add(self.figure)

    def print_figure(self, filename: Any, *args: Any, **more: Any) -> Any:
        """Save the figure; a blank one after `show` stands for the figure shown, which had been closed."""
        if last and is_blank(self.figure):
            return last[0].canvas.print_figure(filename, *args, **more)
        result = super().print_figure(filename, *args, **more)
        if isinstance(filename, (str, os.PathLike)):
            counts["pictures"] += 1
            unchanged.add(self.figure)
            self.figure.stale_callback = lambda figure, _: unchanged.discard(figure)
        return result


def is_blank(figure: Figure) -> bool:
    """Whether a figure has nothing but its background."""
    return len(figure.get_children()) < 2


def save(figure: Figure) -> None:
    """Save a figure, if it changed, under the first free name beside the script."""
    if figure in unchanged or is_blank(figure):
        return
    counts["saved"] += 1
    if counts["saved"] > MOST:
        unchanged.add(figure)
        return
    folder = os.path.dirname(os.path.abspath(getattr(sys.modules["__main__"], "__file__", sys.argv[0])))
    paths = (os.path.join(folder, f"figure-{number}.png") for number in itertools.count(1))
    figure.savefig(next(path for path in paths if not os.path.lexists(path)))


@atexit.register
def at_exit() -> None:
    """Save what is open if the script did not fail and saved no picture, and say how many figures were not saved."""
    if not counts["pictures"] and not hasattr(sys, "last_value"):
        FigureManager.pyplot_show()
    if counts["saved"] > MOST:
        print(f"{counts['saved'] - MOST} more figures were shown; the first {MOST} of a run are saved.")
