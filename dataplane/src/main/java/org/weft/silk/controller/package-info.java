/**
 * silk-controller as the source of leases, as silk-daemon uses it (silk: controller/client.go,
 * daemon/planner/vxlan_planner.go): every poll renews this host's lease and reads all hosts' leases.
 */
package org.weft.silk.controller;
