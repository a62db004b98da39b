"""How each kind of node looks. Shape and words tell kinds apart too, not colour alone.

The colours are tints of the palette of M. Okabe and K. Ito, "Color universal design" (2008), which
people with any kind of colour vision can tell apart.
"""

_BOX = {"shape": "box", "style": "filled", "margin": "0.05,0.03"}

STYLES: dict[str, dict[str, str]] = {
    "parameter": {**_BOX, "color": "#E69F00", "fillcolor": "#FDF1D8", "peripheries": "2"},
    "data": {**_BOX, "shape": "note", "color": "#0072B2", "fillcolor": "#E3F2FB"},
    "constant": {**_BOX, "color": "#999999", "fillcolor": "#F5F5F5", "style": "filled,dashed"},
    "result": {**_BOX, "color": "#999999", "fillcolor": "white", "style": "filled,rounded"},
    "output": {
        **_BOX,
        "color": "#009E73",
        "fillcolor": "#DFF3EC",
        "style": "filled,rounded",
        "penwidth": "2.5",
    },
    "module": {**_BOX, "shape": "folder", "color": "#CC79A7", "fillcolor": "#F9EDF4"},
    "run": {**_BOX, "shape": "box3d", "color": "#999999", "fillcolor": "#F5F5F5"},
    "operation": {
        "shape": "ellipse",
        "style": "filled",
        "color": "#555555",
        "fillcolor": "#FBF8CC",
        "fontsize": "11",
        "margin": "0.04,0.02",
        "width": "0.4",
        "height": "0.4",
    },
}
