package org.weft.text;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.pattern.CompositeConverter;

/** {@code %visible(...)} in a pattern of logback: what is in the brackets, as {@link Visible#line} has it. */
public final class VisibleConverter extends CompositeConverter<ILoggingEvent> {
    @Override
    protected String transform(ILoggingEvent event, String text) {
        return Visible.line(text);
    }
}
