/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device's side of its file for a group of many lanes (lane/file.h). The leader alone changes the state; the
 * bytes of a packet are copied by all. Included by lane/group_drive.h, behind struct wn_group_drive.
 */
#ifndef WN_LANE_GROUP_FILE_H
#define WN_LANE_GROUP_FILE_H

/* The ends of writes that the lanes with `is_mine` took, in the order of their entries. */
WN_FN void wn_group_file_complete(WN_PRIVATE struct wn_group_drive *drive, WN_PRIVATE const struct wn_drive_item *item,
				  uint32_t is_mine)
{
	uint32_t left = wn_group_ballot(is_mine);

	for (; left; left &= left - 1) {
		const uint32_t whose = wn_lowest_bit(left);
		const uint32_t number = wn_group_shuffle(item->length, whose);
		const uint32_t result = wn_group_shuffle(item->wire_length, whose);

		if (wn_group_lane() == 0 && !wn_file_complete(drive->view, drive->file, number, (int32_t)result))
			drive->values[WN_DRIVE_BAD_ARRIVALS]++;
		drive->is_filed = 1;
	}
	wn_group_barrier();
}

/* Copies `length` bytes from the pool into a piece, all lanes. */
WN_FN void wn_group_file_copy(WN_STAGED const struct wn_drive_view *view, uint64_t from, uint32_t position, uint32_t flags,
			      uint32_t length)
{
	WN_GLOBAL const uint8_t *source = view->frames + from;
	WN_GLOBAL uint8_t *target = (WN_GLOBAL uint8_t *)wn_file_at(view, position) + wn_file_payload_at(flags);

	for (uint32_t i = wn_group_lane(); i < length; i += WN_GROUP_LANES)
		target[i] = source[i];
}

/* Places the pieces of the lanes with `is_mine` one by one and brings packets there. Returns this lane's, or WN_FILE_NOWHERE. */
WN_FN uint32_t wn_group_file_place(WN_PRIVATE struct wn_group_drive *drive, WN_PRIVATE const struct wn_drive_item *item,
				   uint32_t length, uint32_t is_record, uint32_t is_mine)
{
	const uint64_t now = wn_group_ns();
	uint32_t left = wn_group_ballot(is_mine), mine = WN_FILE_NOWHERE;

	for (; left; left &= left - 1) {
		const uint32_t whose = wn_lowest_bit(left);
		const uint32_t flags = wn_group_shuffle(item->flags, whose);
		const uint32_t bytes = wn_group_shuffle(length, whose);
		const uint64_t from = wn_group_shuffle64(item->offset, whose);
		const uint32_t copies = !wn_group_shuffle(is_record, whose);
		uint32_t position = WN_FILE_NOWHERE;

		if (wn_group_lane() == 0)
			position = wn_file_place(drive->view, drive->file, wn_file_piece_bytes(flags, bytes), now);
		position = wn_group_shuffle(position, 0);
		if (wn_group_lane() == whose)
			mine = position;
		if (copies && position != WN_FILE_NOWHERE)
			wn_group_file_copy(drive->view, from, position, flags, bytes);
	}
	return mine;
}

/* A record is short, and its lane's alone. */
WN_FN void wn_group_file_put_record(WN_STAGED const struct wn_drive_view *view, uint32_t position, uint32_t flags,
				    WN_STAGED const uint8_t *record, uint32_t length)
{
	WN_GLOBAL uint8_t *to = (WN_GLOBAL uint8_t *)wn_file_at(view, position) + wn_file_payload_at(flags);

	for (uint32_t i = 0; i < length; i++)
		to[i] = record[i];
}

/* The sums of payloads that need one, each by all lanes. Returns this lane's. */
WN_FN uint32_t wn_group_file_sum(WN_STAGED const struct wn_drive_view *view, uint32_t position, uint32_t flags,
				 uint32_t length)
{
	uint32_t left = wn_group_ballot(position != WN_FILE_NOWHERE && (flags & (uint32_t)WN_SLOT_IPV6)), mine = 0;

	for (; left; left &= left - 1) {
		const uint32_t whose = wn_lowest_bit(left), bytes = wn_group_shuffle(length, whose);
		WN_GLOBAL const uint8_t *payload =
			(WN_GLOBAL const uint8_t *)wn_file_at(view, wn_group_shuffle(position, whose)) +
			wn_file_payload_at((uint32_t)WN_SLOT_IPV6);
		uint32_t sum = 0;

		for (uint32_t i = wn_group_lane(); i < bytes; i += WN_GROUP_LANES)
			sum += wn_file_sum_of(i, payload[i]);
		sum = (uint32_t)wn_group_sum(sum);
		if (wn_group_lane() == whose)
			mine = sum;
	}
	return mine;
}

/*
 * Appends what the lanes with `is_mine` deliver, as far as there is room, in the order of their entries. Returns as
 * what this lane's counts.
 */
WN_FN uint32_t wn_group_file_append(WN_PRIVATE struct wn_group_drive *drive, WN_PRIVATE const struct wn_packet *packet,
				    WN_PRIVATE const struct wn_drive_item *item, uint32_t word, uint32_t is_mine)
{
	const uint32_t is_record = wn_verdict_code(word) == WN_CODE_RECORD, length = wn_verdict_length(word);
	const uint32_t position = wn_group_file_place(drive, item, length, is_record, is_mine);
	uint32_t sum;

	if (position != WN_FILE_NOWHERE && is_record)
		wn_group_file_put_record(drive->view, position, item->flags, packet->record, length);
	wn_group_barrier();
	sum = wn_group_file_sum(drive->view, position, item->flags, length);
	if (position != WN_FILE_NOWHERE)
		wn_file_put_piece(drive->view, position, item, packet->arrival_ns, length, is_record, sum);
	drive->is_filed = 1;
	return position == WN_FILE_NOWHERE ? (uint32_t)WN_DRIVE_FILE_FULL : (uint32_t)WN_DRIVE_FILED;
}

/* Whether something is still to be written. */
WN_FN uint32_t wn_group_file_is_busy(WN_PRIVATE const struct wn_group_drive *drive)
{
	return drive->view->file.block_bytes && drive->file->fill != drive->file->done;
}

/* Whether a write is to be submitted: the same for all lanes. */
WN_FN uint32_t wn_group_file_is_due(WN_PRIVATE const struct wn_group_drive *drive)
{
	WN_STAGED const struct wn_file_state *file = drive->file;

	if (!drive->view->file.block_bytes || file->fill == file->done || (file->flight && !file->again))
		return 0;
	return wn_file_is_due(drive->view, file, wn_group_shuffle64(wn_group_ns(), 0), drive->closed);
}

/* As wn_file_show. */
WN_FN void wn_group_file_show(WN_PRIVATE struct wn_group_drive *drive)
{
	WN_GLOBAL struct wn_file_words *words = drive->view->file.words;
	WN_STAGED const uint64_t *from = (WN_STAGED const uint64_t *)drive->file;
	const uint32_t next = drive->shown + 1;

	for (uint32_t i = wn_group_lane(); i < WN_FILE_STATE_WORDS; i += WN_GROUP_LANES)
		wn_store_release64(&words->states[next % 2][i], from[i]); /* (K1) */
	wn_group_barrier();
	if (wn_group_lane() == 0)
		wn_store_release(&words->current, next); /* (K1) */
	drive->shown = next;
}

/* Before anything of the batch is shown to the kernel. */
WN_FN void wn_group_file_finish(WN_PRIVATE struct wn_group_drive *drive, WN_PRIVATE struct wn_drive_batch *batch)
{
	wn_group_barrier();
	batch->writes = wn_group_file_is_due(drive);
	if (!batch->writes && !drive->is_filed)
		return;
	wn_group_barrier();
	if (wn_group_lane() == 0 && batch->writes) {
		wn_file_submit(drive->view, drive->file);
		wn_uring_write_file(drive->view, drive->port.uring.sq + batch->sent, drive->file);
	}
	wn_group_barrier();
	wn_group_file_show(drive);
	drive->is_filed = 0;
}

#endif
