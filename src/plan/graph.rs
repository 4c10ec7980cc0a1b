//! Questions about the graph: upstream, downstream, reachability, order.
