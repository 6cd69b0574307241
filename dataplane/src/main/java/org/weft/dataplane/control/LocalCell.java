package org.weft.dataplane.control;

import org.weft.dataplane.silk.Cell;
import org.weft.dataplane.silk.container.Containers;

/** The cell that a daemon runs, and its containers. */
public record LocalCell(Cell cell, Containers containers) {}
