/**
 * Policies of a silk overlay: what vxlan-policy-agent does on a host, without its iptables rules.
 *
 * <pre>
 *   PolicySource -> PolicySet --+
 *                               Policies -> Enforcement, tags -> VTEP
 *   operator -> live changes ---+
 * </pre>
 */
package org.weft.silk.policy;
