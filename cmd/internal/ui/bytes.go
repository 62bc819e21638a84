package ui

import "fmt"

// Bytes writes an amount of data with two or three significant digits: "640 bytes",
// "1.5 MB", "12 GB".
func Bytes(n int64) string {
	if n == 1 {
		return "1 byte"
	}
	if n < 1024 {
		return fmt.Sprintf("%d bytes", n)
	}
	value := float64(n)
	for _, unit := range []string{"KB", "MB", "GB"} {
		value /= 1024
		switch {
		case value < 9.95:
			return fmt.Sprintf("%.1f %s", value, unit)
		case value < 999.5:
			return fmt.Sprintf("%.0f %s", value, unit)
		}
	}
	return fmt.Sprintf("%.1f TB", value/1024)
}
