/** Errors as operators read them: one sentence, an exit code, and the word that was perhaps meant. */
package org.weft.operator;
