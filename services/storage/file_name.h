// SPDX-License-Identifier: Apache-2.0
/* Names of exported files (ST-78): safe on every system, never unfiltered text of a device. Pure.
 */
#pragma once

#include "common/base/base.h"

#define FILE_NAME_MAX 120
/* carnet_<slug>_<kind>_g<generation>_<YYYYMMDDThhmmssZ>.<ext> */
void file_name_make(char out[static FILE_NAME_MAX + 1], const char *device, const char *kind,
	uint64_t generation, uint64_t wall_ms, const char *ext);
