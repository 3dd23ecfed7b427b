//! Transactions each of which must come before the next, and the last before the first.

use std::collections::VecDeque;

use super::edge::{Dependency, Edge};

/// A cycle: no order of its transactions gives what they saw.
///
/// * Each edge begins where the one before ends, the first where the last ends.
/// * No transaction occurs twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    edges: Vec<Edge>,
}

impl Cycle {
    /// A shortest cycle, if there is one.
    pub(super) fn shortest(transactions: usize, edges: &[Edge]) -> Option<Self> {
        let mut leaving: Vec<Vec<usize>> = vec![Vec::new(); transactions];
        for (number, edge) in edges.iter().enumerate() {
            leaving[edge.from].push(number);
        }
        let cycles = (0..transactions).filter_map(|start| through(start, &leaving, edges));
        cycles.min_by_key(Vec::len).map(|edges| Self { edges })
    }

    /// Its edges, in order.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// Why each transaction comes before the next, in order.
    pub fn dependencies(&self) -> Vec<Dependency> {
        self.edges.iter().map(|edge| edge.dependency).collect()
    }
}

/// A shortest cycle through a transaction: a search in breadth until it is met again.
fn through(start: usize, leaving: &[Vec<usize>], edges: &[Edge]) -> Option<Vec<Edge>> {
    let mut reached_by: Vec<Option<usize>> = vec![None; leaving.len()];
    let mut waiting: VecDeque<usize> = VecDeque::from([start]);
    while let Some(node) = waiting.pop_front() {
        for number in &leaving[node] {
            let to = edges[*number].to;
            if to == start {
                return Some(way_back(*number, start, &reached_by, edges));
            }
            if reached_by[to].is_none() {
                reached_by[to] = Some(*number);
                waiting.push_back(to);
            }
        }
    }
    None
}

/// The edges from the start to the end of an edge.
fn way_back(last: usize, start: usize, reached_by: &[Option<usize>], edges: &[Edge]) -> Vec<Edge> {
    let mut path: Vec<Edge> = vec![edges[last].clone()];
    let mut node = edges[last].from;
    while node != start {
        let number = reached_by[node].expect("the search came to every node but the start by an edge");
        path.push(edges[number].clone());
        node = edges[number].from;
    }
    path.reverse();
    path
}
