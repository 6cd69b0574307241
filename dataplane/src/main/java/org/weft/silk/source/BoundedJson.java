package org.weft.silk.source;

import com.google.gson.stream.JsonReader;
import com.google.gson.stream.MalformedJsonException;
import java.io.IOException;
import java.io.Reader;

/** A reader of JSON that gives up when there are more values than the heap bears: three bytes can be a list of 50. */
final class BoundedJson extends JsonReader {
    /** About 70,000 leases or 20,000 policies; what is made of them takes about 50 MB. */
    static final int MAX_TOKENS = 500_000;

    private int tokens;

    BoundedJson(Reader in) {
        super(in);
    }

    boolean isExceeded() {
        return tokens > MAX_TOKENS;
    }

    private void count() throws IOException {
        if (++tokens > MAX_TOKENS) {
            throw new MalformedJsonException("too much");
        }
    }

    @Override
    public void beginArray() throws IOException {
        count();
        super.beginArray();
    }

    @Override
    public void beginObject() throws IOException {
        count();
        super.beginObject();
    }

    @Override
    public String nextName() throws IOException {
        count();
        return super.nextName();
    }

    @Override
    public String nextString() throws IOException {
        count();
        return super.nextString();
    }

    @Override
    public boolean nextBoolean() throws IOException {
        count();
        return super.nextBoolean();
    }

    @Override
    public void nextNull() throws IOException {
        count();
        super.nextNull();
    }
}
