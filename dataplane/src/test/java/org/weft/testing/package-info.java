/** What tests of several packages share. */
package org.weft.testing;
