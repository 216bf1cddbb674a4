// SPDX-License-Identifier: Apache-2.0
/* Settings: one typed table per program, generated from schemas/config.tab. Order, later wins:
 * default, ini file ([common], then [service], key = value), environment (CARNET_<KEY>, then
 * CARNET_<SERVICE>_<KEY>), command line (--key=value). --help prints the table.
 * Secrets are files: a key that ends in _file holds a path. A secret found in the environment, or a
 * password inside `database`, is refused by the variable's name (security.md SE-35).
 * ms takes a unit: 500 500ms 30s 5m 12h 1d. bool: true false yes no on off 1 0. A line of the ini
 * file has at most 198 bytes. Bounds: reliability.md section 5. */
#pragma once

#include "common/base/fault.h"

enum config_type { CONFIG_INT, CONFIG_BOOL, CONFIG_TEXT, CONFIG_MS };

struct config_key {
	const char *name; /* lower case, with underscores */
	enum config_type type;
	size_t offset;            /* into the service's struct: int64_t, bool or char * */
	const char *default_text; /* NULL = required */
	int64_t min, max;         /* of numbers; of text: most bytes in max */
	const char *help;
};

struct config_table {
	const char *service;
	const struct config_key *keys;
	size_t n;
	size_t size; /* of the service's struct */
};

/* Fills *ret_config (zeroed by us; texts are owned by it, mostly until process end). argv:
 * --key=value,
 * --config=FILE, --help (prints and exits 0). Returns 0, or -1 with a fault that names the key. */
int config_load(const struct config_table *table, int argc, char **argv, void *ret_config,
	struct fault *reterr) must_check;
/* A directory of data: as set, or when that is empty `below` the source tree that the program was
 * built in (build/bin/carnet-…). */
void config_data_dir(const char *given, const char *below, char *ret_path, size_t size);
/* Frees the texts: for tests. */
void config_fini(const struct config_table *table, void *config);
