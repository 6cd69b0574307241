package org.weft.silk.etcd;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.weft.file.LimitedFile;
import org.weft.operator.OperatorException;

/**
 * A user of etcd's.
 *
 * @param passwordFile holds the password on its first line; read each time, so that it can be changed
 */
record Credentials(String user, Path passwordFile) {
    /** AuthenticateRequest. */
    JsonObject request(URI endpoint) throws EtcdException {
        JsonObject request = new JsonObject();
        request.addProperty("name", user);
        request.addProperty("password", password(endpoint));
        return request;
    }

    private String password(URI endpoint) throws EtcdException {
        try {
            return LimitedFile.text(passwordFile, LimitedFile.SMALL)
                    .lines()
                    .findFirst()
                    .orElse("");
        } catch (OperatorException e) {
            throw new EtcdException(endpoint + ": " + e.getMessage(), e);
        } catch (IOException e) {
            throw new EtcdException(
                    endpoint + ": the password of user " + user + " cannot be read from " + passwordFile + ": "
                            + (e instanceof NoSuchFileException ? "no such file" : e.getMessage()),
                    e);
        }
    }
}
