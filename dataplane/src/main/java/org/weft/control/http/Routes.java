package org.weft.control.http;

import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import java.io.IOException;

/** What is found under which path. */
public interface Routes {
    /**
     * Answers a request, at once or by what is returned.
     *
     * @return what takes the request's body and has the answer then; null if the answer is given
     * @throws org.weft.operator.OperatorException if the request is refused
     */
    Upload answer(HttpExchanges exchanges, ChannelHandlerContext context, HttpRequest request) throws IOException;

    /** The methods of the request's path, for the header Allow. */
    String allowed(HttpRequest request);

    static boolean isGet(HttpRequest request) {
        return request.method().equals(HttpMethod.GET) || request.method().equals(HttpMethod.HEAD);
    }
}
