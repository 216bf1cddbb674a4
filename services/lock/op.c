// SPDX-License-Identifier: Apache-2.0
/* Operations by number and by id. */
#include "services/lock/op.h"

#include <string.h>

/* Inside Carnet only. The exclusive ones are decided like batch_ie; their own cells are not asked.
 */
static const struct {
	const char *id, *name[3];
	enum matrix_cell both; /* C1 and C2 */
} inner[] = {
	{"sync_control",
		{"Control of native synchronisation", "Commande de la synchronisation native",
			"ネイティブ同期の制御"},
		MATRIX_CELL_NO},
	{"restart", {"Restart by Carnet", "Redémarrage par Carnet", "Carnetによる再起動"},
		MATRIX_CELL_NO},
	{"session", {"Session of Carnet", "Session de Carnet", "Carnetのセッション"},
		MATRIX_CELL_NO},
	{"other_activity", {"Other activity", "Autre activité", "その他の動作"}, MATRIX_CELL_YES},
};

unsigned op_find(const char *id)
{
	const struct matrix_row *row = matrix_find(id);

	if (row)
		return row->op;
	for (unsigned i = 0; i < array_len(inner); i++)
		if (strcmp(inner[i].id, id) == 0)
			return OP_ROWS + 1 + i;
	return OP_UNKNOWN;
}

const char *op_id(unsigned op)
{
	if (op == OP_UNKNOWN || op >= OP_END)
		return "";
	return op <= OP_ROWS ? matrix[op - 1].id : inner[op - OP_ROWS - 1].id;
}

const char *op_name(unsigned op, unsigned language)
{
	static const char *const unknown[] = {
		"Unknown operation", "Opération inconnue", "不明な操作"};

	bug_if(language > 2);
	if (op == OP_UNKNOWN || op >= OP_END)
		return unknown[language];
	return op <= OP_ROWS ? matrix[op - 1].name[language]
			     : inner[op - OP_ROWS - 1].name[language];
}

unsigned op_row(unsigned op)
{
	return op <= OP_ROWS ? op : 0;
}

struct op_cells op_cells(unsigned op)
{
	bug_if(op == OP_UNKNOWN || op >= OP_END);
	if (op > OP_ROWS)
		return (struct op_cells){.during_ie = inner[op - OP_ROWS - 1].both,
			.beside = inner[op - OP_ROWS - 1].both};
	const struct matrix_row *row = &matrix[op - 1];

	return (struct op_cells){.during_ie = row->run_during_ie,
		.beside = row->ie_during_run,
		.on_op = row->on_op,
		.on_ie = row->on_ie};
}

bool op_is_import_export(unsigned op)
{
	return op == OP_INDIV_IE || op == OP_BATCH_IE;
}

bool op_is_exclusive(unsigned op)
{
	return op_is_import_export(op) || op == OP_SYNC_CONTROL || op == OP_RESTART;
}

const char *const *op_items(unsigned op, size_t *ret_n)
{
	return exchange_items(op_id(op), ret_n);
}
