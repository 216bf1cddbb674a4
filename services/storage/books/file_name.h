// SPDX-License-Identifier: Apache-2.0
/* Names of exported files (ST-78): safe on every system, never unfiltered text of a device. Pure.
 */
#pragma once

#include "common/book/codec.h"

#define FILE_NAME_MAX 120
/* carnet_<slug>_<kind>_g<generation>_<YYYYMMDDThhmmssZ>.<ext> */
void file_name_make(char out[static FILE_NAME_MAX + 1], const char *device, const char *kind,
	uint64_t generation, uint64_t wall_ms, const char *ext);
/* What native items of this format end in, without the dot. */
const char *file_suffix(const char *format);
/* What files end in that are written in it: a file for a machine says so (AB-24). */
const char *file_suffix_written(const struct codec *codec);
/* The name people read (RFC 6266, filename*): "Lobby, 2nd floor address_book g7.view.csv"; nothing
 * in it is a place or a control character. Owned by the arena. */
const char *file_title(struct arena *a, const char *device, const char *kind, uint64_t generation,
	const char *ext);
