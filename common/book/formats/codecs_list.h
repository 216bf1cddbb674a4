// SPDX-License-Identifier: Apache-2.0
/* Every codec: one file each, one line each, in the order of their names. */
#pragma once

#include "common/book/codec.h"

/* CODEC(canon_csv) stands for `extern const struct codec codec_canon_csv` */
/* clang-format off */
#define CODECS(CODEC) \
	CODEC(canon_abk) \
	CODEC(canon_csv) \
	CODEC(carnet_json) \
	CODEC(generic_csv) \
	CODEC(konica_accurio) \
	CODEC(konica_tsv) \
	CODEC(konica_xml) \
	CODEC(kyocera_xml) \
	CODEC(ldif) \
	CODEC(ricoh_csv) \
	CODEC(ricoh_udirectory) \
	CODEC(sharp_csv) \
	CODEC(xerox_csv)
/* clang-format on */
