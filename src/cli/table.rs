//! Rows of text in columns, for lists on standard output.

use unicode_width::UnicodeWidthStr;

/// Aligns the columns of `rows` below `heads`; the last column is as long as it is.
pub fn table(heads: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width());
        cells.chain([heads[column].width()]).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..heads.len()).map(width).collect();
    let heads: Vec<_> = heads.iter().map(|head| (*head).to_owned()).collect();
    let lines: Vec<_> = std::iter::once(&heads).chain(rows).map(|row| line(row, &widths)).collect();
    lines.join("\n")
}

fn line(row: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in row.iter().zip(widths) {
        line.push_str(cell);
        line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width()) + 2));
    }
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_by_what_is_seen() {
        let rows = [vec!["日本".to_owned(), "x".to_owned()], vec!["a".to_owned(), "long one".to_owned()]];
        assert_eq!(table(&["ID", "GOAL"], &rows), "ID    GOAL\n日本  x\na     long one");
    }
}
