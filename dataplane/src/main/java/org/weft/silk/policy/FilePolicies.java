package org.weft.silk.policy;

import java.nio.file.Path;
import org.weft.file.FollowedFile;
import org.weft.operator.OperatorException;

/** Tags and policies from a file in YAML or JSON, which is followed. */
public final class FilePolicies implements PolicySource {
    private final Path path;
    private final FollowedFile file;

    // Of the file's thread.
    private Listener listener;
    private String contents;
    private PolicySet set;
    private String failure;

    public FilePolicies(Path path) {
        this.path = path;
        this.file = new FollowedFile(path, "weft-policies", this::look, this::confirmUnlessWrong);
    }

    @Override
    public String name() {
        return "file " + path;
    }

    @Override
    public void start(Listener listener) {
        this.listener = listener;
        file.start();
    }

    @Override
    public void refresh() {
        file.refresh();
    }

    @Override
    public void close() {
        file.close();
    }

    private void look() {
        try {
            String now = file.contents();
            PolicySet found = now.equals(contents) ? set : PolicyList.parse(path.toString(), now);
            contents = now;
            failure = null;
            if (found.equals(set)) {
                listener.confirmed();
            } else {
                set = found;
                listener.policies(found);
            }
        } catch (OperatorException e) {
            if (!e.getMessage().equals(failure)) {
                failure = e.getMessage();
                listener.failed(failure);
            }
        }
    }

    private void confirmUnlessWrong() {
        if (failure == null) {
            listener.confirmed();
        }
    }
}
