package org.weft.text;

import java.io.FilterWriter;
import java.io.IOException;
import java.io.Writer;

/** Writes JSON that no terminal takes for commands ({@link Visible#json}). For one thread. */
public final class JsonOutput extends FilterWriter {
    private static final int FIRST_OF_LATIN = 0x7f;

    /** @param out takes whole strings, so buffer it where that matters */
    public JsonOutput(Writer out) {
        super(out);
    }

    @Override
    public void write(int unit) throws IOException {
        if (unit < FIRST_OF_LATIN) {
            out.write(unit);
        } else {
            write(String.valueOf((char) unit));
        }
    }

    @Override
    public void write(char[] units, int offset, int length) throws IOException {
        if (isPlain(units, offset, length)) {
            out.write(units, offset, length);
        } else {
            out.write(Visible.json(new String(units, offset, length)));
        }
    }

    @Override
    public void write(String text, int offset, int length) throws IOException {
        write(text.substring(offset, offset + length));
    }

    @Override
    public void write(String text) throws IOException {
        out.write(Visible.json(text));
    }

    private static boolean isPlain(char[] units, int offset, int length) {
        for (int i = offset; i < offset + length; i++) {
            if (units[i] >= FIRST_OF_LATIN) {
                return false;
            }
        }
        return true;
    }
}
