/** What sources of leases and of policies have in common: when they are asked, and when they were last heard of. */
package org.weft.silk.source;
