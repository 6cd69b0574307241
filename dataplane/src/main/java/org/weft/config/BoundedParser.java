package org.weft.config;

import java.util.Optional;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.events.AliasEvent;
import org.snakeyaml.engine.v2.events.CollectionEndEvent;
import org.snakeyaml.engine.v2.events.CollectionStartEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.MappingStartEvent;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.events.SequenceStartEvent;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.parser.Parser;
import org.snakeyaml.engine.v2.parser.ParserImpl;
import org.snakeyaml.engine.v2.scanner.StreamReader;

/**
 * YAML's events, no more of them than nodes that the heap bears: two bytes of a file can be a node of 300. Nodes made of them
 * know where they begin, and keep nothing else of the text.
 */
final class BoundedParser implements Parser {
    /** Deeper than anything that Weft reads. */
    static final int MAX_DEPTH = 50;

    private static final int[] NO_TEXT = {};

    private final String name;
    private final int maxNodes;
    private final Parser parser;
    private Event next;
    private int nodes;
    private int depth;

    BoundedParser(String name, LoadSettings settings, String text, int maxNodes) {
        this.name = name;
        this.maxNodes = maxNodes;
        this.parser = new ParserImpl(settings, new StreamReader(settings, text));
    }

    @Override
    public boolean hasNext() {
        return next != null || parser.hasNext();
    }

    @Override
    public boolean checkEvent(Event.ID choice) {
        return hasNext() && peekEvent().getEventId() == choice;
    }

    @Override
    public Event peekEvent() {
        if (next == null) {
            next = bounded(parser.next());
        }
        return next;
    }

    @Override
    public Event next() {
        Event event = peekEvent();
        next = null;
        return event;
    }

    private Event bounded(Event event) {
        if (event instanceof CollectionEndEvent) {
            depth--;
        } else if (event instanceof CollectionStartEvent && ++depth > MAX_DEPTH) {
            throw refused(event, "is nested more than " + MAX_DEPTH + " deep");
        } else if ((event instanceof CollectionStartEvent
                        || event instanceof ScalarEvent
                        || event instanceof AliasEvent)
                && ++nodes > maxNodes) {
            throw refused(
                    event,
                    "this is the value number " + nodes + ", and Weft reads at most " + maxNodes
                            + " of a file: leave out what is not needed");
        }
        return slim(event);
    }

    private RuntimeException refused(Event event, String sentence) {
        return YamlDocument.bad(name, event.getStartMark().map(Mark::getLine).orElse(0) + 1, sentence);
    }

    private static Event slim(Event event) {
        Optional<Mark> start = event.getStartMark()
                .map(mark -> new Mark(mark.getName(), mark.getIndex(), mark.getLine(), mark.getColumn(), NO_TEXT, 0));
        if (event instanceof ScalarEvent scalar) {
            return new ScalarEvent(
                    scalar.getAnchor(),
                    scalar.getTag(),
                    scalar.getImplicit(),
                    scalar.getValue(),
                    scalar.getScalarStyle(),
                    start,
                    start);
        }
        if (event instanceof SequenceStartEvent sequence) {
            return new SequenceStartEvent(
                    sequence.getAnchor(),
                    sequence.getTag(),
                    sequence.isImplicit(),
                    sequence.getFlowStyle(),
                    start,
                    start);
        }
        if (event instanceof MappingStartEvent mapping) {
            return new MappingStartEvent(
                    mapping.getAnchor(), mapping.getTag(), mapping.isImplicit(), mapping.getFlowStyle(), start, start);
        }
        return event;
    }
}
