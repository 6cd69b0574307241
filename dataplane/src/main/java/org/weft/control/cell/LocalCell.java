package org.weft.control.cell;

import org.weft.silk.cell.Cell;
import org.weft.silk.container.Containers;

/** The cell that a daemon runs, and its containers. */
public record LocalCell(Cell cell, Containers containers) {}
