/* SPDX-License-Identifier: Apache-2.0 */
/* pcap.h names the systems that have a function. */
#define __API_AVAILABLE(...)
#define __API_DEPRECATED(...)
#define __API_DEPRECATED_WITH_REPLACEMENT(...)
