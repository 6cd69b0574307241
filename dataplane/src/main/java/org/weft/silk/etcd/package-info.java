/**
 * Leases in an etcd cluster. Three keys make one host's lease, written in one transaction: {@code leases/SUBNET} says
 * whose a subnet is and lasts for the expiry, {@code underlay/ADDRESS} keeps a host from having two, and
 * {@code alive/SUBNET} lasts for the ttl, so that routes to a dead host go long before its subnet is given away.
 * {@link org.weft.silk.etcd.EtcdLeases} is one loop on one thread; what etcd says is kept in a roster that
 * one watch keeps up to date.
 */
package org.weft.silk.etcd;
