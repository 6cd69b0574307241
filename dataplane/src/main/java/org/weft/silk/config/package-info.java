/** The sections of the configuration that describe a cell and its policies. */
package org.weft.silk.config;
