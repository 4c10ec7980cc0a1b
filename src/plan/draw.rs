//! A plan as a picture: Mermaid, Graphviz, SVG. The same plan gives the same text.
