// SPDX-License-Identifier: Apache-2.0
/* Operations: the rows of the matrix (gen/matrix.h, the number is the row), and the four that exist
 * only inside Carnet (locks.md section 1). Pure. An operation is an unsigned, because the generated
 * enum knows only the rows. */
#pragma once

#include "common/base/base.h"
#include "common/exchange/item.h"
#include "gen/matrix.h"

enum {
	OP_UNKNOWN = OP_NONE, /* not in the table: denied in both directions */
	OP_ROWS = MATRIX_ROWS,
	OP_SYNC_CONTROL,   /* start, stop, restore, reconfigure native synchronisation */
	OP_RESTART,        /* a restart that is a job of its own */
	OP_SESSION,        /* any other session of ours that logs in or delivers */
	OP_OTHER_ACTIVITY, /* seen on the device, not in the table: printing, copying */
	OP_END
};

/* The two directions of one row; they say different things. */
struct op_cells {
	enum matrix_cell during_ie; /* C1: may it start while an import or export runs? */
	enum matrix_cell beside;    /* C2: may an import or export start while it runs? */
	enum matrix_effect on_op;   /* what an import or export does to it */
	enum matrix_effect on_ie;   /* what it does to an import or export */
};

unsigned op_find(const char *id);
const char *op_id(unsigned op);
/* Name for people; language 0 en, 1 fr, 2 ja. */
const char *op_name(unsigned op, unsigned language);
/* Row of the matrix, 0 for those inside Carnet. */
unsigned op_row(unsigned op);
/* As printed. */
struct op_cells op_cells(unsigned op);

/* Mode X: imports, exports and what is treated like them. */
bool op_is_exclusive(unsigned op);
/* Rows 6 and 7: the operations that the matrix calls "import/export". */
bool op_is_import_export(unsigned op);

/* Every item of an import/export operation (import-export.md section 1), for a request that names
 * none; *ret_n 0 for other operations. */
const char *const *op_items(unsigned op, size_t *ret_n);
