/** Files that others write: followed, read up to a limit; and files of state, replaced whole. */
package org.weft.file;
