package document

import "unicode/utf8"

// Fit shortens the first and the last cells of rows so that the table fits into a
// terminal of that width, and reports which rows it cut. A width of 0 fits everything.
func (t *Table) Fit(width int) (cut []bool) {
	cut = make([]bool, len(t.Rows))
	if width == 0 {
		return cut
	}
	shorten := func(row, column, room int) {
		if cell := t.Rows[row][column]; cell.width() > room {
			t.Rows[row][column] = cell.first(room)
			cut[row] = true
		}
	}
	for i := range t.Rows {
		shorten(i, 0, width/3)
	}
	room := width
	for _, columns := range t.widths()[:len(t.Head)-1] {
		room -= columns + 2
	}
	for i := range t.Rows {
		shorten(i, len(t.Head)-1, max(room, 0))
	}
	return cut
}

// widths are those of the columns.
func (t *Table) widths() []int {
	widths := make([]int, len(t.Head))
	if t.Titled {
		for i, title := range t.Head {
			widths[i] = utf8.RuneCountInString(title)
		}
	}
	for _, row := range t.Rows {
		for i, cell := range row {
			widths[i] = max(widths[i], cell.width())
		}
	}
	return widths
}

func (t Text) width() int { return utf8.RuneCountInString(printable(t.String())) }

// first is as much of a text as there is room for.
func (t Text) first(room int) Text {
	if room < 2 {
		return nil
	}
	kind := t[0].Kind
	return Text{{string([]rune(printable(t.String()))[:room-1]) + "…", kind}}
}
