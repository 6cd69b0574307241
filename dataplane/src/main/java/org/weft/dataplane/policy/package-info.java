/**
 * What group policy ids are good for: who may open what, and who may be who. {@link org.weft.dataplane.policy.Enforcement} is
 * what agents judge by; where it comes from is others' business.
 */
package org.weft.dataplane.policy;
