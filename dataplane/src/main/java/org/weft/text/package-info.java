/** Text that others wrote, made harmless where people read it. */
package org.weft.text;
