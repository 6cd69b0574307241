/** What the daemon is told at start: the YAML file, checked whole before anything starts. */
package org.weft.dataplane.config;
