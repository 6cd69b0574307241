/**
 * Integration tests: real devices in network namespaces. Conformance tests run against the kernel's own vxlan device and
 * against a Weft daemon; one that fails against the kernel is wrong itself.
 */
package org.weft.it;
