/** The part of the API and of the metrics that tells about policies and changes them. */
package org.weft.control.policy;
