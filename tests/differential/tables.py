"""What a table is: its columns, their types and defaults."""

from dataclasses import dataclass, replace

from values import Type


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    name: str
    type: Type
    default: str | None = None
    is_nullable: bool = True

    @property
    def definition(self) -> str:
        """The column as CREATE TABLE and ALTER TABLE take it."""
        required = "" if self.is_nullable else " NOT NULL"
        default = "" if self.default is None else f" DEFAULT {self.default}"
        return f"{self.name} {self.type.sql}{required}{default}"


@dataclass(frozen=True)
class Table:
    """A table's columns, in order. Its id tells it from another of the same name."""

    id: int
    columns: tuple[Column, ...]

    @property
    def definition(self) -> str:
        return ", ".join(column.definition for column in self.columns)

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)

    def with_columns(self, columns) -> "Table":
        return replace(self, columns=tuple(columns))
